// SPDX-License-Identifier: GPL-2.0

//! Containers are made and freed.

#[cfg(CONFIG_CGROUP_WRITEBACK)]
use super::foreign::Foreign;
use super::{
    changed,
    counts::Local,
    memcg::MemCgroup,
    node::Node,
    objcg::NewHandle,
    state::State,
    v1::V1,
    vm, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    cgroup::peak::Peaks,
    mm::numa::NodeId,
    percpu::Rows,
    prelude::*,
    res_counter::ResCounter,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    warn_on_once, //
};

impl MemCgroup {
    /// Makes a container below `parent`, or the root if there is none yet. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EBUSY` if there is no id left.
    pub(crate) fn create(parent: Option<&Self>) -> Result<Unpublished<'_>> {
        if parent.is_none() {
            changed::init()?;
        }
        // The root stays when all others have gone, and may be mounted as v1 then.
        let alone = parent.is_none() || !vm::on_v2();
        let rows = Rows::new(GFP_KERNEL_ACCOUNT)?;
        let local = Local::new(alone)?;
        let none = crate::PAGES.unlimited();
        let below = |counter: fn(&Self) -> Option<&ResCounter>| {
            // SAFETY: The parent outlives it.
            unsafe { ResCounter::below_unchecked(parent.and_then(counter), none) }
        };
        let v1 = match alone {
            true => Some(V1::new(below(Self::kmem), below(Self::tcp))?),
            false => None,
        };
        // SAFETY: The cache was made when the kernel started; its objects have room for all nodes.
        let raw = unsafe {
            bindings::memctl_cache_alloc(
                bindings::memctl_cachep,
                bindings::GFP_KERNEL | bindings::__GFP_ZERO,
                bindings::NUMA_NO_NODE,
            )
        }
        .cast::<bindings::mem_cgroup>();
        let ptr = NonNull::new(raw).ok_or(ENOMEM)?;
        // SAFETY: `raw` is a fresh, zeroed allocation of a container that nobody else knows.
        unsafe {
            Self::init_writeback(raw).inspect_err(|_| {
                bindings::kmem_cache_free(bindings::memctl_cachep, raw.cast());
            })?;
        }

        // The root's are never charged: one atomic operation less for everybody else.
        let charged = parent.filter(|p| !p.is_root());
        // SAFETY: `raw` is a fresh, zeroed allocation of a container that nobody else knows, and
        // its state has the layout of `State`. The parent outlives it.
        unsafe {
            let state: *mut State = (&raw mut (*raw).state).cast();
            (&raw mut (*state).rows).write(rows);
            (&raw mut (*state).local).write(local);
            ResCounter::init(&raw mut (*state).memory, charged.map(Self::memory), none);
            ResCounter::init(&raw mut (*state).swap, charged.map(Self::swap), none);
            (&raw mut (*state).v1).write(v1);
            #[cfg(CONFIG_ZSWAP)]
            (&raw mut (*state).zswap_max).write(Atomic::new(none));
            #[cfg(CONFIG_ZSWAP)]
            (&raw mut (*state).zswap_writeback).write(Atomic::new(true));
            (&raw mut (*state).takes_over).write(Atomic::new(true));
            (&raw mut (*state).high).write(Atomic::new(none));
            (&raw mut (*state).swap_high).write(Atomic::new(none));
            Peaks::init(&raw mut (*state).peaks);
            Peaks::init(&raw mut (*state).swap_peaks);
            (*raw).kmemcg_id = -1;
            bindings::vmpressure_init(&raw mut (*raw).vmpressure);
            bindings::socket_pressure_init(raw);
        }

        // From here on `Unpublished` cleans up.
        let new = Unpublished(ptr.cast(), PhantomData);
        let memcg = new.get();
        memcg.alloc_id()?;
        for nid in NodeId::possible() {
            let node = Node::create(memcg, nid, alone)?;
            // Here, where nobody knows the container yet: what the handles take is charged to the
            // parent, and may not be there.
            // SAFETY: There is an element for every possible node.
            unsafe {
                (&raw mut (*raw).nodeinfo)
                    .cast::<*mut bindings::mem_cgroup_per_node>()
                    .add(nid.index())
                    .write(node.as_ptr().cast());
            }
            let node = memcg.node(nid);
            node.keep_owner(NewHandle::new(node, parent.is_none())?);
        }
        // SAFETY: `raw` has all its shares.
        unsafe { bindings::lru_gen_init_memcg(raw) };
        Ok(new)
    }

    /// Prepares what belongs to writeback.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    ///
    /// # Safety
    ///
    /// `raw` is valid, zeroed, and nobody else uses it yet.
    #[cfg(CONFIG_CGROUP_WRITEBACK)]
    unsafe fn init_writeback(raw: *mut bindings::mem_cgroup) -> Result {
        // SAFETY: By the requirement of this function.
        unsafe {
            bindings::cgwb_list_init(raw);
            let notes = (&raw mut (*raw).foreign).cast::<Foreign>();
            for i in 0..bindings::MEMCTL_NR_FOREIGN as usize {
                Foreign::init(notes.add(i));
            }
            kernel::error::to_result(bindings::wb_domain_init(
                &raw mut (*raw).cgwb_domain,
                bindings::GFP_KERNEL,
            ))
        }
    }

    /// As above; there is nothing.
    #[cfg(not(CONFIG_CGROUP_WRITEBACK))]
    fn init_writeback(_raw: *mut bindings::mem_cgroup) -> Result {
        Ok(())
    }

    /// Frees it with all that belongs to it.
    ///
    /// # Safety
    ///
    /// `this` comes from [`MemCgroup::create`] and nobody uses it any more.
    unsafe fn free_parts(this: NonNull<Self>) {
        let raw: *mut bindings::mem_cgroup = this.as_ptr().cast();
        // SAFETY: By the requirement of this function.
        unsafe {
            for nid in NodeId::possible() {
                let node = (&raw const (*raw).nodeinfo)
                    .cast::<*mut bindings::mem_cgroup_per_node>()
                    .add(nid.index())
                    .read();
                if let Some(node) = NonNull::new(node) {
                    Node::free(node.cast());
                }
            }
            #[cfg(CONFIG_CGROUP_WRITEBACK)]
            bindings::wb_domain_exit(&raw mut (*raw).cgwb_domain);
            (&raw mut (*raw).state).cast::<State>().drop_in_place();
            bindings::kmem_cache_free(bindings::memctl_cachep, this.as_ptr().cast());
        }
    }

    /// Frees a container that has been released. May sleep.
    ///
    /// # Safety
    ///
    /// The cgroup core calls `css_free` for it: nobody uses it any more.
    pub(crate) unsafe fn free(this: *mut Self) {
        let raw: *mut bindings::mem_cgroup = this.cast();
        // SAFETY: By the requirement of this function.
        unsafe {
            #[cfg(CONFIG_CGROUP_WRITEBACK)]
            Self::from_raw(raw).foreign().iter().for_each(Foreign::wait);
            bindings::vmpressure_cleanup(&raw mut (*raw).vmpressure);
            bindings::lru_gen_exit_memcg(raw);
            bindings::free_shrinker_info(raw);
            bindings::memctl_bpf_put();
            bindings::memctl_wake_sync();
            Self::from_raw(raw).put_sockets();
            // Who carries counts up would find what was freed.
            if !warn_on_once!(!Self::from_raw(raw).has_no_rows()) {
                if let Some(this) = NonNull::new(this) {
                    Self::free_parts(this);
                }
            }
        }
    }
}

/// A container that the cgroup core does not have yet, below one that stays. Dropping it frees it.
///
/// It has no css yet: so it is no `MemCgroup` for others.
pub(crate) struct Unpublished<'p>(NonNull<MemCgroup>, PhantomData<&'p MemCgroup>);

impl Unpublished<'_> {
    fn get(&self) -> &MemCgroup {
        // SAFETY: The container is ours.
        unsafe { self.0.as_ref() }
    }

    /// Sets how willingly its anonymous pages are swapped, 0 to 200.
    pub(crate) fn set_swappiness(&self, value: i32) {
        self.get().swappiness().store(value, Relaxed);
    }

    /// Sets whether tasks wait in it for room instead of being killed.
    pub(crate) fn set_oom_kill_disable(&self, disable: bool) {
        self.get().oom_kill_disable().store(disable, Relaxed);
    }

    /// Hands it over to the cgroup core, which frees it by `css_free`.
    pub(crate) fn publish(self) -> *mut bindings::cgroup_subsys_state {
        // SAFETY: It is published here.
        unsafe { self.get().adopt_rows() };
        let raw = core::mem::ManuallyDrop::new(self).0.as_ptr();
        // SAFETY: The first one is made before there are others, and is never freed.
        unsafe {
            if bindings::root_mem_cgroup.is_null() {
                bindings::root_mem_cgroup = raw.cast();
            } else {
                bindings::memctl_bpf_get();
                MemCgroup::from_raw(raw.cast()).get_sockets();
            }
        }
        raw.cast()
    }
}

impl Drop for Unpublished<'_> {
    fn drop(&mut self) {
        self.get().cancel_id();
        // SAFETY: The container is ours, and nobody else knows it.
        unsafe { MemCgroup::free_parts(self.0) };
    }
}
