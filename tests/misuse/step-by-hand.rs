// error[E0133]: is unsafe and requires unsafe
// A step of a container's life that the core does not take: its id would be published or given up
// once too often.

use crate::c::{
    life::{
        Freeing,
        Offlining,
        Onlining,
        Released, //
    },
    memcg::MemCgroup, //
};

fn online(onlining: Onlining<'_>, memcg: &MemCgroup) {
    let _other = memcg;
    // misuse
    drop(Onlining::new(memcg).finish());
    // end
    drop(onlining.finish());
}

fn offline(offlining: Offlining<'_>, memcg: &MemCgroup) {
    let _other = memcg;
    // misuse
    if let Some(offlining) = Offlining::new(memcg) {
        offlining.tell_all().retire_id();
    }
    // end
    offlining.tell_all().retire_id();
}

fn released(released: Released<'_>, memcg: &MemCgroup) {
    let _other = memcg;
    // misuse
    Released::new(memcg).tell_lru_gen();
    // end
    released.tell_lru_gen();
}

fn free(freeing: Freeing, memcg: &MemCgroup) {
    let _other = memcg;
    // misuse
    drop(Freeing::new(memcg.as_raw().cast()));
    // end
    drop(freeing);
}
