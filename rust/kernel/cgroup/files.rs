// SPDX-License-Identifier: GPL-2.0

//! The files of a controller.

use super::{
    CssData,
    Field, //
};
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
    sync::counted::Counted,
    types::Opaque,
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData, //
};

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

/// Writes a line `name N0=value N1=value...` to `seq`, as fast as can be, of pairs of the number of
/// a node and a value.
pub fn seq_nodes(seq: &SeqFile, name: &str, nodes: impl Iterator<Item = (u64, u64)>) {
    let raw: *mut bindings::seq_file = core::ptr::from_ref(seq).cast_mut().cast();
    // SAFETY: `seq` is valid, and so is `name` for as many bytes.
    unsafe { bindings::seq_write(raw, name.as_ptr().cast(), name.len()) };
    for (node, value) in nodes {
        // SAFETY: `seq` is valid, and the delimiters end with a NUL.
        unsafe {
            bindings::seq_put_decimal_ull(raw, c" N".as_char_ptr(), node);
            bindings::seq_put_decimal_ull(raw, c"=".as_char_ptr(), value);
        }
    }
    // SAFETY: `seq` is valid.
    unsafe { bindings::seq_putc(raw, b'\n' as c_char) };
}

/// Tells of a change of a file to those who poll it or watch it with inotify.
#[repr(transparent)]
pub struct FileHandle(Opaque<bindings::cgroup_file>);

// SAFETY: The core guards what is behind it.
unsafe impl Send for FileHandle {}
// SAFETY: As above.
unsafe impl Sync for FileHandle {}

impl FileHandle {
    /// Notifies the watchers. Any context but NMI.
    pub fn notify(&self) {
        // SAFETY: The handle is zeroed, which is nothing to notify of, or the core has set it up.
        unsafe { bindings::cgroup_file_notify(self.0.get()) }
    }
}

/// A file that reads as one number.
pub trait ReadU64 {
    /// Whose file it is.
    type Data: CssData;

    /// The number.
    fn read(data: &Counted<Self::Data>) -> u64;
}

/// A file that reads as text.
pub trait Show {
    /// Whose file it is.
    type Data: CssData;

    /// Writes the text to `seq`. May sleep.
    fn show(data: &Counted<Self::Data>, seq: &SeqFile) -> Result;
}

/// A file that takes a number.
pub trait WriteU64 {
    /// Whose file it is.
    type Data: CssData;

    /// Takes `value`, which the core has parsed. May sleep.
    fn write(data: &Counted<Self::Data>, value: u64) -> Result;
}

/// A file that takes text.
pub trait Write {
    /// Whose file it is.
    type Data: CssData;

    /// Takes `text`, which ends before the first NUL and has no blanks around it, as the kernel has
    /// them. `nonblock` says that the file was opened with `O_NONBLOCK`. May sleep.
    fn write(data: &Counted<Self::Data>, text: &[u8], nonblock: bool) -> Result;
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
    fn write(data: &Counted<Self::Data>, text: &mut Text<'_>) -> Result;
}

/// One file of the controller whose state is `T`, `struct cftype`.
///
/// # Examples
///
/// ```
/// # #[cfg(CONFIG_CGROUPS)] {
/// use kernel::{
///     cgroup::{CfType, Css, CssData, Files, ReadU64, WriteU64},
///     prelude::*,
///     sync::{atomic::{Atomic, Relaxed}, counted::Counted},
/// };
///
/// #[repr(C)]
/// struct Lamps {
///     css: Css,
///     burning: Atomic<u64>,
/// }
///
/// // SAFETY: The css comes first, and the other field is atomic.
/// unsafe impl CssData for Lamps {}
///
/// /// How many lamps burn.
/// struct Burning;
///
/// impl ReadU64 for Burning {
///     type Data = Lamps;
///
///     fn read(lamps: &Counted<Lamps>) -> u64 {
///         lamps.burning.load(Relaxed)
///     }
/// }
///
/// impl WriteU64 for Burning {
///     type Data = Lamps;
///
///     fn write(lamps: &Counted<Lamps>, value: u64) -> Result {
///         if value > 100 {
///             return Err(EINVAL);
///         }
///         lamps.burning.store(value, Relaxed);
///         Ok(())
///     }
/// }
///
/// /// For the core; what ends the table comes by itself.
/// static FILES: Files<Lamps, 1> = Files::new(&[CfType::new(c"burning")
///     .flags(CfType::<Lamps>::NOT_ON_ROOT)
///     .read_u64::<Burning>()
///     .write_u64::<Burning>()]);
/// # }
/// ```
#[repr(transparent)]
pub struct CfType<T: CssData>(pub(super) bindings::cftype, PhantomData<fn(&T)>);

impl<T: CssData> CfType<T> {
    /// The file is not shown in the root cgroup.
    pub const NOT_ON_ROOT: u32 = bindings::CFTYPE_NOT_ON_ROOT;
    /// The name of the controller does not come before that of the file.
    pub const NO_PREFIX: u32 = bindings::CFTYPE_NO_PREFIX;
    /// The file is handed over with a delegated cgroup.
    pub const NS_DELEGATABLE: u32 = bindings::CFTYPE_NS_DELEGATABLE;

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
        Self(cft, PhantomData)
    }

    /// Has `name` and a dot before the name of the file, if something comes before it.
    const fn put_before(&mut self, name: &[u8]) {
        if self.0.flags & Self::NO_PREFIX != 0 {
            return;
        }
        self.0.flags |= Self::NO_PREFIX;
        let old = self.0.name;
        let mut end = 0;
        while end < name.len() {
            self.0.name[end] = name[end] as c_char;
            end += 1;
        }
        self.0.name[end] = b'.' as c_char;
        let mut i = 0;
        // Where there is no room left for all of it, and the NUL, this does not compile.
        while old[i] != 0 {
            end += 1;
            self.0.name[end] = old[i];
            self.0.name[end + 1] = 0;
            i += 1;
        }
    }

    /// Sets flags, for example [`CfType::NOT_ON_ROOT`].
    pub const fn flags(mut self, flags: u32) -> Self {
        self.0.flags = flags;
        self
    }

    /// Keeps the handle for notifications in `field`.
    pub const fn notify(mut self, field: Field<T, FileHandle>) -> Self {
        self.0.file_offset = field.file_offset();
        self
    }

    /// Reads as the number `R` gives.
    pub const fn read_u64<R: ReadU64<Data = T>>(mut self) -> Self {
        self.0.read_u64 = Some(read_u64::<R>);
        self
    }

    /// Reads as the text `S` shows.
    pub const fn show<S: Show<Data = T>>(mut self) -> Self {
        self.0.seq_show = Some(show::<S>);
        self
    }

    /// Gives numbers written to it to `W`.
    pub const fn write_u64<W: WriteU64<Data = T>>(mut self) -> Self {
        self.0.write_u64 = Some(write_u64::<W>);
        self
    }

    /// Gives text written to it to `W`, as it is.
    pub const fn write_text<W: WriteText<Data = T>>(mut self) -> Self {
        self.0.write = Some(write_text::<W>);
        self
    }

    /// Gives text written to it to `W`.
    pub const fn write<W: Write<Data = T>>(mut self) -> Self {
        self.0.write = Some(write::<W>);
        self
    }
}

/// What a file is of: the core has a reference on it while a callback runs (`kernfs_get_active()`:
/// the files of a cgroup are removed before its css gives up its own).
///
/// # Safety
///
/// `css` belongs to the controller of `T`, and the core keeps it during `'a`.
unsafe fn counted<'a, T: CssData>(css: *mut bindings::cgroup_subsys_state) -> &'a Counted<T> {
    // SAFETY: By the requirement of this function.
    unsafe { Counted::new(T::from_css(css)) }
}

/// # Safety
///
/// Only for the cgroup core, as a callback of a `struct cftype`.
unsafe extern "C" fn read_u64<R: ReadU64>(
    css: *mut bindings::cgroup_subsys_state,
    _cft: *mut bindings::cftype,
) -> u64 {
    // SAFETY: The core calls this with the css of the file's controller, and keeps it meanwhile.
    R::read(unsafe { counted(css) })
}

/// # Safety
///
/// Only for the cgroup core, as a callback of a `struct cftype`.
unsafe extern "C" fn show<S: Show>(seq: *mut bindings::seq_file, _v: *mut c_void) -> c_int {
    from_result(|| {
        // SAFETY: `seq` is a file of this controller, whose css the core keeps meanwhile.
        let data = unsafe { counted(bindings::seq_css(seq)) };
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
        // SAFETY: The core calls this with the css of the file's controller, and keeps it
        // meanwhile.
        W::write(unsafe { counted(css) }, value)?;
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
    let data = unsafe { counted(bindings::of_css(of)) };
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
    let data = unsafe { counted(bindings::of_css(of)) };
    match W::write(data, &mut Text(buf, PhantomData)) {
        Ok(()) => nbytes as isize,
        Err(e) => e.to_errno() as isize,
    }
}

/// A table of `N` files, to be registered by the cgroup core. It knows the end by a file without a
/// name, which comes last by construction.
#[repr(transparent)]
pub struct Files<T: CssData, const N: usize>(UnsafeCell<Table<T, N>>);

#[repr(C)]
struct Table<T: CssData, const N: usize> {
    files: [CfType<T>; N],
    end: bindings::cftype,
}

// SAFETY: After construction only the cgroup core uses the table, under its own lock.
unsafe impl<T: CssData, const N: usize> Sync for Files<T, N> {}

impl<T: CssData, const N: usize> Files<T, N> {
    /// Makes a table of `files`, of which there are `N`.
    pub const fn new(files: &[CfType<T>]) -> Self {
        assert!(files.len() == N, "so many files there are not");
        let mut table = Table {
            files: [const { CfType(pin_init::zeroed(), PhantomData) }; N],
            end: pin_init::zeroed(),
        };
        let mut i = 0;
        while i < N {
            table.files[i].0 = files[i].0;
            i += 1;
        }
        Self(UnsafeCell::new(table))
    }

    /// As [`Files::new`], with `name`, that of the controller, before those of the files, as the
    /// core would have it. Then it need not put the names together for each cgroup; and where the
    /// table is in the section `.data..ro_after_init`, it does not copy them either.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(CONFIG_CGROUPS)] {
    /// use kernel::cgroup::{CfType, Css, CssData, Files};
    ///
    /// #[repr(C)]
    /// struct Lamps {
    ///     css: Css,
    /// }
    ///
    /// // SAFETY: The css comes first, and there is nothing else.
    /// unsafe impl CssData for Lamps {}
    ///
    /// /// `lamps.burning` and `lamps.broken`.
    /// static FILES: Files<Lamps, 2> =
    ///     Files::named(c"lamps", &[CfType::new(c"burning"), CfType::new(c"broken")]);
    /// # }
    /// ```
    pub const fn named(name: &CStr, files: &[CfType<T>]) -> Self {
        let Self(table) = Self::new(files);
        let mut table = table.into_inner();
        let mut i = 0;
        while i < N {
            table.files[i].put_before(name.to_bytes());
            i += 1;
        }
        Self(UnsafeCell::new(table))
    }
}
