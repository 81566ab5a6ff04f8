// error[E0308]: expected `CfType<Css>`, found `CfType<MemCgroup>`
// The files of one controller would be read with the css of another, as if it were theirs.

use crate::c::memcg::MemCgroup;
use kernel::{
    cgroup::{
        CfType,
        Css,
        Files,
        ReadU64, //
    },
    sync::counted::Counted, //
};

struct Number;

impl ReadU64 for Number {
    type Data = MemCgroup;

    fn read(memcg: &Counted<MemCgroup>) -> u64 {
        memcg.id().into()
    }
}

const FILE: CfType<MemCgroup> = CfType::new(c"id").read_u64::<Number>();

static OURS: Files<MemCgroup, 1> = Files::new(&[FILE]);
// misuse
static THEIRS: Files<Css, 1> = Files::new(&[FILE]);
// end
