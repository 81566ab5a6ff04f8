// SPDX-License-Identifier: GPL-2.0

//! Control groups: a controller's state in a cgroup, and the files it shows there.
//!
//! [`Css`] is the part of a controller's state the cgroup core owns. [`CfType`] describes one file
//! of a controller; what the file says and takes are types that implement [`ReadU64`], [`Show`],
//! [`WriteU64`] or [`Write`]. [`Files`] is the table the core registers.
//!
//! C headers: [`include/linux/cgroup.h`](srctree/include/linux/cgroup.h),
//! [`include/linux/cgroup-defs.h`](srctree/include/linux/cgroup-defs.h)

use crate::{
    bindings,
    error::{
        from_result,
        to_result,
        Result, //
    },
    ffi::{
        c_char,
        c_int,
        c_void, //
    },
    prelude::*,
    seq_file::SeqFile,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        rcu,
    },
    types::Opaque,
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData, //
};

#[cfg(CONFIG_MEMCTL)]
pub mod peak;

/// Writes a line `prefix name value` without the first blank to `seq`, as fast as can be: files of
/// statistics have many of them.
pub fn seq_line(seq: &SeqFile, prefix: &str, name: &str, value: u64) {
    let raw: *mut bindings::seq_file = core::ptr::from_ref(seq).cast_mut().cast();
    for text in [prefix, name] {
        // SAFETY: `seq` is valid, and so is `text` for as many bytes.
        unsafe { bindings::seq_write(raw, text.as_ptr().cast(), text.len()) };
    }
    // SAFETY: `seq` is valid, and the delimiter ends with a NUL.
    unsafe {
        bindings::seq_put_decimal_ull(raw, c" ".as_char_ptr(), value);
        bindings::seq_putc(raw, b'\n' as c_char);
    }
}

/// What the cgroup core keeps of a controller in one cgroup, `struct cgroup_subsys_state`.
///
/// # Invariants
///
/// The object is initialized by the cgroup core and stays so as long as a reference exists: by a
/// reference count, or by RCU.
#[repr(transparent)]
pub struct Css(Opaque<bindings::cgroup_subsys_state>);

impl Css {
    /// Wraps a pointer of the cgroup core.
    ///
    /// # Safety
    ///
    /// `ptr` points at an initialized css that is not freed during `'a`.
    pub unsafe fn from_raw<'a>(ptr: *const bindings::cgroup_subsys_state) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The pointer C knows it by.
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

    /// Takes a reference, for which the caller must hold one.
    pub fn get(&self) {
        // SAFETY: `self` is an initialized css.
        unsafe { bindings::css_get(self.as_raw()) }
    }

    /// Takes a reference, unless the last one is gone.
    #[inline]
    pub fn try_get(&self) -> bool {
        // SAFETY: `self` is an initialized css.
        unsafe { bindings::css_tryget(self.as_raw()) }
    }

    /// Gives a reference back.
    ///
    /// # Safety
    ///
    /// The caller owns a reference, and uses `this` no more.
    pub unsafe fn put(this: *const Self) {
        // SAFETY: `this` is an initialized css, and the caller gives its reference away.
        unsafe { bindings::css_put(this.cast_mut().cast()) }
    }

    /// The css after `pos` in a walk over `self` and all below it, parents first; the first one if
    /// `pos` is `None`. Includes those being removed.
    pub fn next_descendant<'a>(
        &'a self,
        pos: Option<&Css>,
        _rcu: &'a rcu::Guard,
    ) -> Option<&'a Css> {
        let pos = pos.map_or(core::ptr::null_mut(), Css::as_raw);
        // SAFETY: Both are css of one hierarchy, and the RCU read lock is held.
        let next = unsafe { bindings::css_next_descendant_pre(pos, self.as_raw()) };
        // SAFETY: The core returns null or a css that RCU protects.
        unsafe { next.cast::<Css>().as_ref() }
    }

    /// Visits the leaders of all processes in the cgroup, until `visit` returns true. Says whether
    /// it did. May sleep between the processes.
    pub fn any_process(&self, visit: impl FnMut(*mut bindings::task_struct) -> bool) -> bool {
        self.any(bindings::css_task_iter_flags_CSS_TASK_ITER_PROCS, visit)
    }

    /// Visits all tasks in the cgroup, those too that are exiting but still in it, as above.
    pub fn any_task(&self, visit: impl FnMut(*mut bindings::task_struct) -> bool) -> bool {
        self.any(bindings::css_task_iter_flags_CSS_TASK_ITER_WITH_DEAD, visit)
    }

    fn any(
        &self,
        flags: bindings::css_task_iter_flags,
        mut visit: impl FnMut(*mut bindings::task_struct) -> bool,
    ) -> bool {
        let it = Opaque::<bindings::css_task_iter>::zeroed();
        // SAFETY: `self` is held by the caller; the iterator stays in place until it ends.
        unsafe {
            bindings::css_task_iter_start(self.as_raw(), flags, it.get());
            let mut stop = false;
            while !stop {
                let task = bindings::css_task_iter_next(it.get());
                if task.is_null() {
                    break;
                }
                stop = visit(task);
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

/// The state of a controller, which embeds a [`Css`].
///
/// # Safety
///
/// `from_css()` is right for every css that the core hands to this controller.
pub unsafe trait CssData {
    /// The state around `css`.
    ///
    /// # Safety
    ///
    /// `css` belongs to this controller and is not freed during `'a`.
    unsafe fn from_css<'a>(css: *mut bindings::cgroup_subsys_state) -> &'a Self;
}

/// Tells of a change of a file to those who poll it or watch it with inotify.
#[repr(transparent)]
pub struct FileHandle(Opaque<bindings::cgroup_file>);

impl FileHandle {
    /// Wraps a `struct cgroup_file` embedded in a controller's state.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for `'a`, and a [`CfType`] names its offset or it is zeroed.
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::cgroup_file) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    /// Notifies the watchers. Any context but NMI.
    pub fn notify(&self) {
        // SAFETY: By `from_raw()` the handle is valid.
        unsafe { bindings::cgroup_file_notify(self.0.get()) }
    }
}

/// A file that reads as one number.
pub trait ReadU64 {
    /// Whose file it is.
    type Data: CssData;

    /// The number.
    fn read(data: &Self::Data) -> u64;
}

/// A file that reads as text.
pub trait Show {
    /// Whose file it is.
    type Data: CssData;

    /// Writes the text to `seq`. May sleep.
    fn show(data: &Self::Data, seq: &SeqFile) -> Result;
}

/// A file that takes a number.
pub trait WriteU64 {
    /// Whose file it is.
    type Data: CssData;

    /// Takes `value`, which the core has parsed. May sleep.
    fn write(data: &Self::Data, value: u64) -> Result;
}

/// A file that takes text.
pub trait Write {
    /// Whose file it is.
    type Data: CssData;

    /// Takes `text`, which ends before the first NUL and has no blanks around it, as the kernel has
    /// them. `nonblock` says that the file was opened with `O_NONBLOCK`. May sleep.
    fn write(data: &Self::Data, text: &[u8], nonblock: bool) -> Result;
}

/// Text that user space wrote, as C takes it.
pub struct Text<'a>(*mut c_char, PhantomData<&'a mut c_char>);

impl Text<'_> {
    /// The text, which a NUL ends, for C to read and to take apart.
    pub fn as_raw(&mut self) -> *mut c_char {
        self.0
    }

    /// The number that the text is but for blanks around it, in any notation that C has.
    ///
    /// # Errors
    ///
    /// `ERANGE` if the number does not fit, `EINVAL` if the text is no number.
    pub fn parse_int(&mut self) -> Result<i32> {
        let mut number = 0;
        // SAFETY: A NUL ends the text, also after `strim()`, and `number` outlives the call.
        to_result(unsafe { bindings::kstrtoint(bindings::strim(self.0), 0, &mut number) })?;
        Ok(number)
    }
}

/// A file that takes text which C parses.
pub trait WriteText {
    /// Whose file it is.
    type Data: CssData;

    /// Takes `text`. May sleep.
    fn write(data: &Self::Data, text: &mut Text<'_>) -> Result;
}

/// One file of a controller, `struct cftype`.
#[repr(transparent)]
pub struct CfType(bindings::cftype);

impl CfType {
    /// The file is not shown in the root cgroup.
    pub const NOT_ON_ROOT: u32 = bindings::CFTYPE_NOT_ON_ROOT;
    /// The file is handed over with a delegated cgroup.
    pub const NS_DELEGATABLE: u32 = bindings::CFTYPE_NS_DELEGATABLE;

    /// Marks the end of a table.
    pub const END: Self = Self(pin_init::zeroed());

    /// A file called `name`, below the name of the controller.
    pub const fn new(name: &CStr) -> Self {
        let bytes = name.to_bytes();
        let mut cft: bindings::cftype = pin_init::zeroed();
        assert!(
            bytes.len() < cft.name.len(),
            "the name of the file is too long"
        );
        let mut i = 0;
        while i < bytes.len() {
            cft.name[i] = bytes[i] as c_char;
            i += 1;
        }
        Self(cft)
    }

    /// Sets flags, for example [`CfType::NOT_ON_ROOT`].
    pub const fn flags(mut self, flags: u32) -> Self {
        self.0.flags = flags;
        self
    }

    /// Keeps the handle for notifications in the `struct cgroup_file` at `offset` bytes behind the
    /// css.
    pub const fn notify_at(mut self, offset: usize) -> Self {
        self.0.file_offset = offset as u32;
        self
    }

    /// Reads as the number `R` gives.
    pub const fn read_u64<R: ReadU64>(mut self) -> Self {
        self.0.read_u64 = Some(read_u64::<R>);
        self
    }

    /// Reads as the text `S` shows.
    pub const fn show<S: Show>(mut self) -> Self {
        self.0.seq_show = Some(show::<S>);
        self
    }

    /// Gives numbers written to it to `W`.
    pub const fn write_u64<W: WriteU64>(mut self) -> Self {
        self.0.write_u64 = Some(write_u64::<W>);
        self
    }

    /// Gives text written to it to `W`, as it is.
    pub const fn write_text<W: WriteText>(mut self) -> Self {
        self.0.write = Some(write_text::<W>);
        self
    }

    /// Gives text written to it to `W`.
    pub const fn write<W: Write>(mut self) -> Self {
        self.0.write = Some(write::<W>);
        self
    }
}

/// # Safety
///
/// Only for the cgroup core, as a callback of a `struct cftype`.
unsafe extern "C" fn read_u64<R: ReadU64>(
    css: *mut bindings::cgroup_subsys_state,
    _cft: *mut bindings::cftype,
) -> u64 {
    // SAFETY: The core calls this with the css of the file's controller, and keeps it meanwhile.
    R::read(unsafe { R::Data::from_css(css) })
}

/// # Safety
///
/// Only for the cgroup core, as a callback of a `struct cftype`.
unsafe extern "C" fn show<S: Show>(seq: *mut bindings::seq_file, _v: *mut c_void) -> c_int {
    from_result(|| {
        // SAFETY: `seq` is a file of this controller, whose css the core keeps meanwhile.
        let data = unsafe { S::Data::from_css(bindings::seq_css(seq)) };
        // SAFETY: The core calls this with a seq_file for our use alone.
        S::show(data, unsafe { SeqFile::from_raw(seq) })?;
        Ok(0)
    })
}

/// # Safety
///
/// Only for the cgroup core, as a callback of a `struct cftype`.
unsafe extern "C" fn write_u64<W: WriteU64>(
    css: *mut bindings::cgroup_subsys_state,
    _cft: *mut bindings::cftype,
    value: u64,
) -> c_int {
    from_result(|| {
        // SAFETY: The core calls this with the css of the file's controller, and keeps it meanwhile.
        W::write(unsafe { W::Data::from_css(css) }, value)?;
        Ok(0)
    })
}

/// # Safety
///
/// Only for the cgroup core, as a callback of a `struct cftype`.
unsafe extern "C" fn write<W: Write>(
    of: *mut bindings::kernfs_open_file,
    buf: *mut c_char,
    nbytes: usize,
    _off: bindings::loff_t,
) -> isize {
    // SAFETY: `of` is an open file of this controller, whose css the core keeps meanwhile.
    let data = unsafe { W::Data::from_css(bindings::of_css(of)) };
    // SAFETY: kernfs ends the buffer, which is ours to write to, with a NUL; `strim()` keeps it so.
    let text = unsafe { CStr::from_char_ptr(bindings::strim(buf)) }.to_bytes();
    // SAFETY: An open file has a `struct file`, whose flags may change under us by `fcntl()`.
    let flags = unsafe { (&raw const (*(*of).file).f_flags).read_volatile() };
    match W::write(data, text, flags & bindings::O_NONBLOCK != 0) {
        Ok(()) => nbytes as isize,
        Err(e) => e.to_errno() as isize,
    }
}

/// # Safety
///
/// Only for the cgroup core, as a callback of a `struct cftype`.
unsafe extern "C" fn write_text<W: WriteText>(
    of: *mut bindings::kernfs_open_file,
    buf: *mut c_char,
    nbytes: usize,
    _off: bindings::loff_t,
) -> isize {
    // SAFETY: `of` is an open file of this controller, whose css the core keeps meanwhile.
    let data = unsafe { W::Data::from_css(bindings::of_css(of)) };
    match W::write(data, &mut Text(buf, PhantomData)) {
        Ok(()) => nbytes as isize,
        Err(e) => e.to_errno() as isize,
    }
}

/// A table of files, to be registered by the cgroup core; its last element is [`CfType::END`].
#[repr(transparent)]
pub struct Files<const N: usize>(UnsafeCell<[CfType; N]>);

// SAFETY: After construction only the cgroup core uses the table, under its own lock.
unsafe impl<const N: usize> Sync for Files<N> {}

impl<const N: usize> Files<N> {
    /// Makes a table of `files`, of which there are `N`.
    pub const fn new(files: &[CfType]) -> Self {
        assert!(files.len() == N, "so many files there are not");
        // SAFETY: There are as many; a `struct cftype` owns nothing, so that it may be copied.
        Self(UnsafeCell::new(unsafe {
            files.as_ptr().cast::<[CfType; N]>().read()
        }))
    }
}
