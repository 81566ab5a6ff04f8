// error[E0423]: cannot initialize a tuple struct which contains private fields
// What a CPU has noted is only there for CPUs that there may be.

use crate::c::{
    memcg::MemCgroup,
    stocked::{
        self,
        Cpu, //
    },
};
use kernel::sync::rcu;

fn note(memcg: &MemCgroup, cpu: u32) -> bool {
    let rcu = rcu::read_lock();
    let _cpu = cpu;
    // misuse
    return stocked::note(memcg, Cpu(cpu), &rcu).is_none();
    // end
    stocked::note(memcg, Cpu::this(), &rcu).is_none()
}
