// error[E0521]: borrowed data escapes outside of function
// A function of C takes the argument that came with it; that of another call is something else.

use kernel::{
    bindings::task_struct,
    seam::{
        Callback,
        CallbackArg, //
    },
};

fn keep(_visit: Callback<'static, task_struct>) {}

fn visit<'a>(visit: Callback<'a, task_struct>, _arg: CallbackArg<'a>) {
    // misuse
    return keep(visit);
    // end
    let _visit = visit;
}
