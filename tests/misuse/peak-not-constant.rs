// error[E0308]: expected `Field<MemCgroup, Peaks>`, found
// An open file is taken off the list that it was put on, so that must be the same at all times and
// of the file's own container: a function could find another one each time.

use crate::{
    c::memcg::MemCgroup,
    PAGES, //
};
use kernel::{
    cgroup::{
        peak::{
            Peak,
            Peaks, //
        },
        Css,
        Field, //
    },
    res_counter::{
        ResCounter,
        Unit, //
    },
};

fn found(_memcg: &MemCgroup) -> &Peaks {
    todo!()
}

const fn of_another() -> Field<Css, Peaks> {
    todo!()
}

struct Most;

impl Peak for Most {
    type Data = MemCgroup;

    const UNIT: Unit = PAGES;

    const COUNTER: Field<MemCgroup, ResCounter> = MemCgroup::MEMORY.0;

    const PEAKS: Field<MemCgroup, Peaks> = {
        // misuse
        if true {
            found
        } else
        // end
        // misuse
        if true {
            of_another()
        } else
        // end
        {
            MemCgroup::MEMORY.1
        }
    };
}
