// error[E0596]: cannot borrow `*sock` as mutable
// Who only looks at a socket would change what it charges to, under the feet of who uses that.

use crate::c::sock::Sock;

fn take(sock: &Sock<'_>) -> bool {
    let has = sock.memcg().is_some();
    // misuse
    sock.set_memcg(None);
    // end
    has
}
