// SPDX-License-Identifier: GPL-2.0

//! The seam between C and a part of the kernel that is written in Rust.
//!
//! Where C calls Rust, pointers become types and types become what C wants. [`seam!`](crate::seam)
//! makes a function for C of one that is safe Rust. The types of its arguments are claims about the
//! callers, which the comment `# Safety` of each function states: that a folio is locked, a
//! container held. [`Arg`] says for each type what that claim is and how C hands it over, once for
//! all functions that take it; [`IntoC`] does the same for results. Nothing else is trusted: the
//! body of such a function cannot hold `unsafe` where the lint `unsafe_code` is denied.

use crate::{
    bindings,
    error::{
        from_result,
        Result, //
    },
    ffi::c_int,
    mm::{
        vmstat::NodeItem,
        Mm, //
    },
    sync::{
        aref::ARef,
        counted::{
            Counted,
            TryRefCounted, //
        },
    },
    task::Task,
};
use core::{
    marker::PhantomData,
    ptr::null_mut, //
};

/// Makes functions that C calls, declared as in their header, of such in safe Rust: the arguments
/// are types that implement [`Arg`](crate::seam::Arg), the result is one that implements
/// [`IntoC`](crate::seam::IntoC).
///
/// # Examples
///
/// This is not compiled: [`export`](crate::macros::export) wants the function to be declared by a
/// header of C, and nobody else to define it.
///
/// ```ignore
/// kernel::seam! {
///     /// # Safety
///     ///
///     /// The caller keeps the task: `include/linux/lamp.h`.
///     fn task_has_lamp(task: &Task, burning: bool) -> bool {
///         lamp::of(task).is_some_and(|lamp| lamp.is_burning() == burning)
///     }
/// }
/// ```
#[macro_export]
macro_rules! seam {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
    )*) => { $(
        $(#[$meta])*
        #[allow(unsafe_code)]
        #[$crate::macros::export]
        unsafe extern "C" fn $name<'hook>(
            $($arg: <$ty as $crate::seam::ArgType>::Raw),*
        ) $(-> $ret)? {
            $(
                // SAFETY: The caller promises what the type of the argument says, for this call.
                let $arg: $ty = unsafe { $crate::seam::Arg::<'hook>::from_c($arg) };
            )*
            #[deny(unsafe_code)]
            let body = move || $body;
            $crate::seam::result(body)
        }
    )* };
}

/// What C hands over as an argument, by its type.
pub trait ArgType {
    /// How C hands it over.
    type Raw;
}

/// What C hands over as an argument, for as long as the call takes: `'a`.
///
/// # Safety
///
/// `from_c()` is right if the caller has promised what the type says, for `'a`.
///
/// # Examples
///
/// ```
/// use kernel::seam::{Arg, ArgType};
///
/// /// The number of a lamp.
/// struct Lamp(u32);
///
/// impl ArgType for Lamp {
///     type Raw = u32;
/// }
///
/// // SAFETY: Any number is one.
/// unsafe impl Arg<'_> for Lamp {
///     unsafe fn from_c(raw: u32) -> Self {
///         Self(raw)
///     }
/// }
///
/// // SAFETY: There is no claim.
/// assert_eq!(unsafe { Lamp::from_c(3) }.0, 3);
/// ```
pub unsafe trait Arg<'a>: ArgType {
    /// What was handed over.
    ///
    /// # Safety
    ///
    /// The caller promises what the type says, for `'a`.
    unsafe fn from_c(raw: Self::Raw) -> Self;
}

/// A type that is one of C. Taken as `&T`, the claim is that it stays as it is said for the type,
/// at the least until the function returns; taken as `Option<&T>`, that it is so or null.
///
/// # Safety
///
/// A pointer at one of the two types points at the other.
pub unsafe trait Wraps {
    /// The type of C.
    type C;
}

// SAFETY: The layout is transparent.
unsafe impl Wraps for Task {
    type C = bindings::task_struct;
}

// SAFETY: The layout is transparent.
unsafe impl Wraps for Mm {
    type C = bindings::mm_struct;
}

impl<T: Wraps> ArgType for &T {
    type Raw = *mut T::C;
}

// SAFETY: That is the claim; the type is one of C.
unsafe impl<'a, T: Wraps> Arg<'a> for &'a T {
    #[inline]
    unsafe fn from_c(raw: Self::Raw) -> Self {
        // SAFETY: By the requirement of this function.
        unsafe { &*raw.cast() }
    }
}

impl<T: Wraps> ArgType for Option<&T> {
    type Raw = *mut T::C;
}

// SAFETY: As above.
unsafe impl<'a, T: Wraps> Arg<'a> for Option<&'a T> {
    #[inline]
    unsafe fn from_c(raw: Self::Raw) -> Self {
        // SAFETY: By the requirement of this function.
        unsafe { raw.cast::<T>().as_ref() }
    }
}

/// Types that C and Rust share, as arguments and results.
macro_rules! plain {
    ($($ty:ty),*) => { $(
        impl ArgType for $ty {
            type Raw = Self;
        }

        // SAFETY: Any value is right.
        unsafe impl<'a> Arg<'a> for $ty {
            #[inline]
            unsafe fn from_c(raw: Self) -> Self {
                raw
            }
        }

        impl IntoC<$ty> for $ty {
            #[inline]
            fn into_c(self) -> $ty {
                self
            }
        }
    )* };
}
plain!((), bool, u16, i32, u32, u64, usize, isize);

impl ArgType for NodeItem {
    type Raw = bindings::node_stat_item;
}

// SAFETY: The claim is that there is such an item.
unsafe impl<'a> Arg<'a> for NodeItem {
    #[inline]
    unsafe fn from_c(raw: Self::Raw) -> Self {
        // SAFETY: By the requirement of this function.
        unsafe { Self::new_unchecked(raw) }
    }
}

/// What C owns and lends to read and to write. The claim is that it is the caller's own.
pub struct Lent<'a, T>(pub &'a mut T);

impl<T> ArgType for Lent<'_, T> {
    type Raw = *mut T;
}

// SAFETY: That is the claim.
unsafe impl<'a, T> Arg<'a> for Lent<'a, T> {
    #[inline]
    unsafe fn from_c(raw: Self::Raw) -> Self {
        // SAFETY: By the requirement of this function.
        Self(unsafe { &mut *raw })
    }
}

/// A place that C wants something to be written to, and does not read before. The claim is that it
/// is the caller's own.
pub struct Out<'a, T>(*mut T, PhantomData<&'a mut T>);

impl<T> ArgType for Out<'_, T> {
    type Raw = *mut T;
}

// SAFETY: That is the claim.
unsafe impl<'a, T> Arg<'a> for Out<'a, T> {
    #[inline]
    unsafe fn from_c(raw: Self::Raw) -> Self {
        Self(raw, PhantomData)
    }
}

impl<T> Out<'_, T> {
    /// Writes it.
    #[inline]
    pub fn set(self, value: T) {
        // SAFETY: By the claim.
        unsafe { self.0.write(value) }
    }
}

/// What is not looked at, and C may change.
pub struct Ignored<T>(PhantomData<*mut T>);

impl<T> ArgType for Ignored<T> {
    type Raw = *mut T;
}

// SAFETY: Any pointer is right.
unsafe impl<'a, T> Arg<'a> for Ignored<T> {
    #[inline]
    unsafe fn from_c(_raw: Self::Raw) -> Self {
        Self(PhantomData)
    }
}

/// What is not looked at, and C does not change.
pub struct IgnoredConst<T>(PhantomData<*const T>);

impl<T> ArgType for IgnoredConst<T> {
    type Raw = *const T;
}

// SAFETY: Any pointer is right.
unsafe impl<'a, T> Arg<'a> for IgnoredConst<T> {
    #[inline]
    unsafe fn from_c(_raw: Self::Raw) -> Self {
        Self(PhantomData)
    }
}

/// A function of C, to be called with an argument that C gives for it, in the same call.
pub struct Callback<'a, T>(Option<CFunction<T>>, PhantomData<&'a T>);

type CFunction<T> = unsafe extern "C" fn(*mut T, *mut crate::ffi::c_void) -> c_int;

impl<T> ArgType for Callback<'_, T> {
    type Raw = Option<CFunction<T>>;
}

// SAFETY: The claim is that it takes any `T`, with the argument that C gives for it.
unsafe impl<'a, T> Arg<'a> for Callback<'a, T> {
    #[inline]
    unsafe fn from_c(raw: Self::Raw) -> Self {
        Self(raw, PhantomData)
    }
}

/// The argument that C gives for a [`Callback`].
pub struct CallbackArg<'a>(*mut crate::ffi::c_void, PhantomData<&'a ()>);

impl ArgType for CallbackArg<'_> {
    type Raw = *mut crate::ffi::c_void;
}

// SAFETY: The claim is that it is for the callback of the same call.
unsafe impl<'a> Arg<'a> for CallbackArg<'a> {
    #[inline]
    unsafe fn from_c(raw: Self::Raw) -> Self {
        Self(raw, PhantomData)
    }
}

impl<'a, C> Callback<'a, C> {
    /// Calls it, with the argument of the same call. Returns what it returns; 0 if there is none.
    pub fn call<T: Wraps<C = C>>(&self, this: &T, arg: &CallbackArg<'a>) -> c_int {
        let this = core::ptr::from_ref(this).cast_mut().cast();
        let Some(function) = self.0 else {
            return 0;
        };
        // SAFETY: By the claims.
        unsafe { function(this, arg.0) }
    }
}

/// What `body` returns, as C wants it.
#[doc(hidden)]
#[inline]
pub fn result<R: IntoC<C>, C>(body: impl FnOnce() -> R) -> C {
    body().into_c()
}

/// What becomes the result of a function that C calls.
pub trait IntoC<C> {
    /// As C wants it.
    fn into_c(self) -> C;
}

/// Errors become negative numbers.
impl IntoC<c_int> for Result {
    #[inline]
    fn into_c(self) -> c_int {
        from_result(|| self.map(|()| 0))
    }
}

/// A pointer that comes from C.
impl<T> IntoC<*mut T> for *mut T {
    #[inline]
    fn into_c(self) -> *mut T {
        self
    }
}

/// As above; none is null.
impl<T> IntoC<*mut T> for Option<*mut T> {
    #[inline]
    fn into_c(self) -> *mut T {
        self.unwrap_or(null_mut())
    }
}

/// What C looks at for as long as it knows that it stays; none is null.
impl<T: Wraps> IntoC<*mut T::C> for Option<&T> {
    #[inline]
    fn into_c(self) -> *mut T::C {
        self.map_or(null_mut(), |this| {
            core::ptr::from_ref(this).cast_mut().cast()
        })
    }
}

/// A reference is handed over; none is null.
impl<T: Wraps + TryRefCounted> IntoC<*mut T::C> for Option<ARef<Counted<T>>> {
    #[inline]
    fn into_c(self) -> *mut T::C {
        self.map_or(null_mut(), |this| ARef::into_raw(this).as_ptr().cast())
    }
}
