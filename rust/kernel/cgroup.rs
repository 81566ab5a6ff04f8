// SPDX-License-Identifier: GPL-2.0

//! Control groups: a controller's state in a cgroup, and the files it shows there.
//!
//! [`Css`] is the part of a controller's state the cgroup core owns; a type that begins with one
//! implements [`CssData`]. [`Place`] is where a walk over a cgroup and all below it is. [`CfType`]
//! describes one file of a controller; what the file says and takes are types that implement
//! [`ReadU64`], [`Show`], [`WriteU64`] or [`Write`]. [`Files`] is the table the core registers.
//!
//! C headers: [`include/linux/cgroup.h`](srctree/include/linux/cgroup.h),
//! [`include/linux/cgroup-defs.h`](srctree/include/linux/cgroup-defs.h)

use crate::{
    bindings,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        counted::{
            Counted,
            FreedByRcu,
            TryRefCounted, //
        },
        rcu,
    },
    task::Task,
    types::Opaque,
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

mod files;
pub mod peak;

pub use files::{
    seq_line,
    seq_nodes,
    CfType,
    FileHandle,
    Files,
    ReadU64,
    Show,
    Text,
    Write,
    WriteText,
    WriteU64, //
};

/// What the cgroup core keeps of a controller in one cgroup, `struct cgroup_subsys_state`.
///
/// # Invariants
///
/// The object is initialized by the cgroup core and stays so as long as a reference exists: by a
/// reference count, or by RCU.
#[repr(transparent)]
pub struct Css(Opaque<bindings::cgroup_subsys_state>);

// SAFETY: The core counts references atomically, and what else is changed it guards itself.
unsafe impl Send for Css {}
// SAFETY: As above.
unsafe impl Sync for Css {}

impl Css {
    /// Wraps a pointer of the cgroup core.
    ///
    /// # Safety
    ///
    /// `ptr` points at an initialized css that is not freed during `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *const bindings::cgroup_subsys_state) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The pointer C knows it by.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::cgroup_subsys_state {
        self.0.get()
    }

    #[inline]
    fn has_flag(&self, flag: u32) -> bool {
        // SAFETY: The field is valid as long as `self`, and C writes it with plain stores.
        let flags = unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).flags) };
        flags.load(Relaxed) & flag != 0
    }

    /// Whether removal of the cgroup has begun. An RCU grace period lies between this becoming true
    /// and the controller's `css_offline`.
    #[inline]
    pub fn is_dying(&self) -> bool {
        self.has_flag(bindings::CSS_DYING)
    }

    /// Whether it is between `css_online` and `css_offline`.
    pub fn is_online(&self) -> bool {
        self.has_flag(bindings::CSS_ONLINE)
    }

    /// How many there are below it that are not being removed, as far as is known without
    /// `cgroup_mutex`.
    #[inline]
    pub fn nr_descendants(&self) -> usize {
        // SAFETY: `self` is valid. Others may write it meanwhile.
        let nr = unsafe { (&raw const (*self.as_raw()).nr_descendants).read_volatile() };
        nr.max(0) as usize
    }

    /// Whether there are any below it that can still be seen, those being removed included.
    #[inline]
    pub fn has_children(&self) -> bool {
        // SAFETY: `self` is valid. Others may write it meanwhile; only the address is looked at.
        unsafe {
            let children = &raw const (*self.as_raw()).children;
            (&raw const (*children).next).read_volatile().cast_const() != children
        }
    }

    /// # Safety
    ///
    /// Somebody has a reference on it meanwhile.
    unsafe fn any(
        &self,
        flags: bindings::css_task_iter_flags,
        mut visit: impl FnMut(&Task) -> bool,
    ) -> bool {
        let it = Opaque::<bindings::css_task_iter>::zeroed();
        // SAFETY: By the requirement of this function; the iterator stays in place until it ends,
        // and holds a reference on the task that it is at. The layout of `Task` is transparent.
        unsafe {
            bindings::css_task_iter_start(self.as_raw(), flags, it.get());
            let mut stop = false;
            while !stop {
                let task = bindings::css_task_iter_next(it.get());
                match task.cast::<Task>().as_ref() {
                    Some(task) => stop = visit(task),
                    None => break,
                }
            }
            bindings::css_task_iter_end(it.get());
            stop
        }
    }

    /// The inode number of the cgroup's directory.
    pub fn cgroup_ino(&self) -> bindings::ino_t {
        // SAFETY: `cgroup` is constant and lives as long as its css.
        unsafe { bindings::cgroup_ino((*self.as_raw()).cgroup) }
    }

    /// Continues a line of the kernel log with the path of the cgroup.
    pub fn pr_cont_path(&self) {
        // SAFETY: `cgroup` is constant and lives as long as its css.
        unsafe { bindings::pr_cont_cgroup_path((*self.as_raw()).cgroup) }
    }

    /// The path of the cgroup in its hierarchy, as much of it as fits into `buf`.
    pub fn path<'a>(&self, buf: &'a mut [u8]) -> &'a [u8] {
        // There is always a byte written, that of the end.
        if buf.is_empty() {
            return buf;
        }
        // SAFETY: `cgroup` is constant and lives as long as its css, as does its directory's node;
        // the buffer is as long as is said.
        let ret = unsafe {
            bindings::kernfs_path_from_node(
                (*(*self.as_raw()).cgroup).kn,
                core::ptr::null_mut(),
                buf.as_mut_ptr().cast(),
                buf.len(),
            )
        };
        usize::try_from(ret)
            .ok()
            .and_then(|len| buf.get(..len))
            .unwrap_or_default()
    }
}

/// Where a walk over the state of a controller in a cgroup and all below it is. Only a walk makes
/// one: [`CssData::walk`] at the start, [`Place::next`] further on, [`CssData::walk_from`] where
/// somebody has been before.
///
/// # Examples
///
/// ```
/// # #[cfg(CONFIG_CGROUPS)] {
/// use kernel::{cgroup::{Css, CssData}, sync::rcu};
///
/// /// How many cgroups there are below that of `css`.
/// fn below(css: &Css) -> usize {
///     let rcu = rcu::read_lock();
///     core::iter::successors(Some(css.walk(&rcu)), |place| place.next(&rcu)).count() - 1
/// }
/// # }
/// ```
///
/// # Invariants
///
/// `at` is `root` or below it.
pub struct Place<'a, T: CssData> {
    at: &'a T,
    root: &'a T,
}

impl<'a, T: CssData> Place<'a, T> {
    /// What the walk has come to.
    #[inline]
    pub fn get(&self) -> &'a T {
        self.at
    }

    /// Where the walk began: at what it has come to, or above it.
    #[inline]
    pub fn root(&self) -> &'a T {
        self.root
    }

    /// The next place. Does not sleep.
    #[inline]
    pub fn next(&self, _rcu: &'a rcu::Guard) -> Option<Self> {
        let (at, root) = (self.at.css().as_raw(), self.root.css().as_raw());
        // SAFETY: By the type invariant one is below the other, and the RCU read lock is held.
        let next = unsafe { bindings::css_next_descendant_pre(at, root) };
        if next.is_null() {
            return None;
        }
        // SAFETY: The core returns a css of the same controller, which RCU protects.
        let at = unsafe { T::from_css(next) };
        // INVARIANT: The core does not leave what is below the root.
        Some(Self {
            root: self.root,
            at,
        })
    }
}

/// The state of a controller, which begins with a [`Css`].
///
/// References on it are those on its css: it is [`TryRefCounted`].
///
/// # Examples
///
/// ```
/// # #[cfg(CONFIG_CGROUPS)] {
/// use kernel::{cgroup::{Css, CssData}, sync::atomic::Atomic};
///
/// /// What a controller of lamps keeps for each cgroup.
/// #[repr(C)]
/// struct Lamps {
///     css: Css,
///     burning: Atomic<i32>,
/// }
///
/// // SAFETY: The css comes first, and the other field is atomic.
/// unsafe impl CssData for Lamps {}
/// # }
/// ```
///
/// # Safety
///
/// The first field is the css that the core knows it by, and the core hands no other css to this
/// controller. What is not the core's may be used by any thread at any time.
pub unsafe trait CssData: Sized {
    /// The state around `css`.
    ///
    /// # Safety
    ///
    /// `css` belongs to this controller and is not freed during `'a`.
    #[inline]
    unsafe fn from_css<'a>(css: *mut bindings::cgroup_subsys_state) -> &'a Self {
        // SAFETY: By the requirements of this function and of the trait.
        unsafe { &*css.cast() }
    }

    /// Its css.
    #[inline]
    fn css(&self) -> &Css {
        // SAFETY: By the requirement of the trait the css is the first field.
        unsafe { &*core::ptr::from_ref(self).cast() }
    }

    /// The state in the cgroup above.
    #[inline]
    fn parent(&self) -> Option<&Self> {
        // SAFETY: The pointer is constant, and a child keeps its parent, which is of the same
        // controller, alive.
        unsafe { (*self.css().as_raw()).parent.cast::<Self>().as_ref() }
    }

    /// The state here and in all cgroups above. As many steps as the cgroup is deep.
    #[inline]
    fn up<'a>(&'a self) -> impl Iterator<Item = &'a Self>
    where
        Self: 'a,
    {
        core::iter::successors(Some(self), |data| data.parent())
    }

    /// As [`CssData::up`], of one that has a reference: so have those above it.
    #[inline]
    fn counted_up<'a>(this: &'a Counted<Self>) -> impl Iterator<Item = &'a Counted<Self>>
    where
        Self: 'a,
    {
        // SAFETY: The core gives up the reference of a css on its parent when it frees the css.
        this.up().map(|data| unsafe { Counted::new(data) })
    }

    /// Visits the leaders of all processes in the cgroup, until `visit` returns true. Says whether
    /// it did. May sleep between the processes.
    fn any_process(this: &Counted<Self>, visit: impl FnMut(&Task) -> bool) -> bool {
        let flags = bindings::css_task_iter_flags_CSS_TASK_ITER_PROCS;
        // SAFETY: There is a reference while `this` is borrowed.
        unsafe { this.css().any(flags, visit) }
    }

    /// Visits all tasks in the cgroup, those too that are exiting but still in it, as above.
    fn any_task(this: &Counted<Self>, visit: impl FnMut(&Task) -> bool) -> bool {
        let flags = bindings::css_task_iter_flags_CSS_TASK_ITER_WITH_DEAD;
        // SAFETY: As above.
        unsafe { this.css().any(flags, visit) }
    }

    /// The start of a walk over this and all below it, parents first, those being removed included:
    /// at this one. Does not sleep.
    #[inline]
    fn walk<'a>(&'a self, _rcu: &'a rcu::Guard) -> Place<'a, Self> {
        // INVARIANT: It is its own root.
        Place {
            root: self,
            at: self,
        }
    }

    /// Such a walk, at `at`; nothing if that is not in it. Takes as many steps as `at` is deep.
    #[inline]
    fn walk_from<'a>(&'a self, at: &'a Self, _rcu: &'a rcu::Guard) -> Option<Place<'a, Self>> {
        // INVARIANT: Checked here.
        at.up()
            .any(|data| core::ptr::eq(data, self))
            .then_some(Place { root: self, at })
    }

    /// As [`CssData::walk_from`], where that is known.
    ///
    /// # Safety
    ///
    /// `at` is this one or below it.
    #[inline]
    unsafe fn walk_from_below<'a>(&'a self, at: &'a Self, _rcu: &'a rcu::Guard) -> Place<'a, Self> {
        // INVARIANT: By the requirement of this function.
        Place { root: self, at }
    }
}

// SAFETY: Whatever the core hands out begins with a css.
unsafe impl CssData for Css {}

// SAFETY: The css counts references; one without a count is never freed. It is the first field.
unsafe impl<T: CssData> TryRefCounted for T {
    #[inline]
    fn try_inc_ref(&self) -> bool {
        // SAFETY: The css is initialized.
        unsafe { bindings::css_tryget(self.css().as_raw()) }
    }

    #[inline]
    unsafe fn inc_ref(&self) {
        // SAFETY: By the requirement of this function the count is not 0.
        unsafe { bindings::css_get(self.css().as_raw()) }
    }

    #[inline]
    unsafe fn dec_ref(this: NonNull<Self>) {
        // SAFETY: By the requirement of this function the caller gives its reference away.
        unsafe { bindings::css_put(this.as_ptr().cast()) }
    }
}

// SAFETY: Whenever the core frees what the last reference is gone of, or what it could not bring
// online, it waits for a grace period before (`queue_rcu_work()`).
unsafe impl<T: CssData> FreedByRcu for T {}

/// A field of a controller's state, by its type and its place in it. Made by
/// [`css_field!`](crate::css_field).
///
/// # Invariants
///
/// There is an `F` at `offset` bytes in each `T`.
pub struct Field<T: CssData, F> {
    offset: usize,
    _types: PhantomData<fn(&T) -> &F>,
}

impl<T: CssData, F> Field<T, F> {
    /// For [`css_field!`](crate::css_field) alone.
    ///
    /// # Safety
    ///
    /// There is an `F` at `offset` bytes in each `T`.
    #[doc(hidden)]
    pub const unsafe fn new(offset: usize, _typed: fn(*const T) -> *const F) -> Self {
        // INVARIANT: By the requirement of this function.
        Self {
            offset,
            _types: PhantomData,
        }
    }

    /// The field of `data`.
    #[inline]
    pub fn of<'a>(&self, data: &'a T) -> &'a F {
        // SAFETY: By the type invariant.
        unsafe { &*core::ptr::from_ref(data).byte_add(self.offset).cast() }
    }

    /// Where it is behind the css, as the core wants to know.
    const fn file_offset(&self) -> u32 {
        assert!(self.offset <= u32::MAX as usize);
        self.offset as u32
    }
}

/// The [`Field`](crate::cgroup::Field) of a controller's state that is called so.
///
/// # Examples
///
/// ```
/// # #[cfg(CONFIG_CGROUPS)] {
/// use kernel::cgroup::{Css, CssData, CfType, Field, FileHandle};
///
/// #[repr(C)]
/// struct Lamps {
///     css: Css,
///     broken: FileHandle,
/// }
///
/// // SAFETY: The css comes first; the handle is the core's.
/// unsafe impl CssData for Lamps {}
///
/// const BROKEN: Field<Lamps, FileHandle> = kernel::css_field!(Lamps, broken);
///
/// const FILE: CfType<Lamps> = CfType::new(c"broken").notify(BROKEN);
/// # }
/// ```
#[macro_export]
macro_rules! css_field {
    ($data:ty, $($field:ident).+) => {{
        // SAFETY: That is what `offset_of!()` says; the type is that of the second argument, which
        // is never called.
        unsafe {
            $crate::cgroup::Field::new(
                ::core::mem::offset_of!($data, $($field).+),
                |data: *const $data| &raw const (*data).$($field).+,
            )
        }
    }};
}
