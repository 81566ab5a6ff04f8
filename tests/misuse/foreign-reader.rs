// error[E0271]: type mismatch resolving `<Number as ReadU64>::Data == MemCgroup`
// A file of this controller would be read as the state of another one.

use crate::c::memcg::MemCgroup;
use kernel::{
    cgroup::{
        CfType,
        Css,
        ReadU64, //
    },
    sync::counted::Counted, //
};

struct Number;

impl ReadU64 for Number {
    type Data = Css;

    fn read(css: &Counted<Css>) -> u64 {
        css.cgroup_ino() as u64
    }
}

const THEIRS: CfType<Css> = CfType::new(c"id").read_u64::<Number>();
const OURS: CfType<MemCgroup> = CfType::<MemCgroup>::new(c"id")
    // misuse
    .read_u64::<Number>()
    // end
    .flags(CfType::<MemCgroup>::NOT_ON_ROOT);
