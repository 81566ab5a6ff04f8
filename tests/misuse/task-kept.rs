// error[E0521]: borrowed data escapes outside of closure
// The walk over the tasks of a container gives its reference on a task back when it goes on.

use crate::c::memcg::MemCgroup;
use kernel::{
    cgroup::CssData,
    sync::counted::Counted,
    task::Task, //
};

fn signalled(memcg: &Counted<MemCgroup>) -> bool {
    let mut kept: Option<&Task> = None;
    MemCgroup::any_process(memcg, |task| {
        // misuse
        kept = Some(task);
        // end
        task.signal_pending()
    });
    kept.take().is_some_and(|task| task.signal_pending())
}
