// SPDX-License-Identifier: GPL-2.0

//! Resource counters: how much of something is in use, and how much may be.
//!
//! A [`ResCounter`] counts units of any resource: pages, bytes, sockets. Counters form a tree; what
//! is charged to one is charged to all its ancestors, and a charge succeeds only where every limit
//! on the way up has room for it. [`Unit`] turns units into the numbers user space reads and
//! writes.
//!
//! A counter may also be protected from reclaim: see [`ResCounter::update_protection`].
//!
//! A counter takes no lock and may be used in any context. Charging costs one atomic operation a
//! level, so who charges often charges ahead.
//!
//! C header: [`include/linux/res_counter.h`](srctree/include/linux/res_counter.h)
//!
//! # Examples
//!
//! ```
//! use kernel::res_counter::{OverLimit, ResCounter, Unit};
//!
//! // Lamps, of which user space counts the dozens.
//! let dozens = Unit::new(12);
//! let lamps = ResCounter::new(dozens.parse(b"24", b"max")?);
//! assert_eq!(lamps.limit(), 2);
//! assert_eq!(lamps.try_charge(2), Ok(()));
//! assert_eq!(lamps.try_charge(1), Err(OverLimit { level: 0 }));
//! assert_eq!(dozens.show(lamps.usage()), 24);
//! lamps.uncharge(2);
//! assert_eq!(lamps.usage(), 0);
//! # Ok::<(), Error>(())
//! ```

use crate::{
    bindings,
    error::{
        code::*,
        Result, //
    },
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    },
    types::Opaque,
    warn_on_once, //
};
use core::num::NonZero;

/// How many of the numbers of user space one unit of a counter is, and how they are written.
///
/// For a counter of pages whose files speak of bytes it is `Unit::new(PAGE_SIZE)`.
#[derive(Clone, Copy)]
pub struct Unit(NonZero<u64>);

impl Unit {
    /// A unit of `size`, which must not be 0.
    pub const fn new(size: usize) -> Self {
        match NonZero::new(size as u64) {
            Some(size) => Self(size),
            None => panic!("a unit of nothing"),
        }
    }

    /// The limit that is none, in units: what a signed 64-bit file of this unit can just express,
    /// and a signed word.
    pub fn unlimited(self) -> usize {
        (i64::MAX as u64 / self.0).min(isize::MAX as u64) as usize
    }

    /// What user space reads for `n` units.
    #[inline]
    pub fn show(self, n: usize) -> u64 {
        (n as u64).wrapping_mul(self.0.get())
    }

    /// Reads a limit as user space writes it, in units.
    ///
    /// `text` is a number, decimal or with the prefix `0x` or `0`, with an optional suffix K, M, G,
    /// T, P or E (powers of 1024, either case), or the word `unlimited`. What is not a whole unit
    /// is cut off, and what exceeds [`unlimited`], be it more than fits into 64 bits, is
    /// [`unlimited`]. No text at all reads as 0. These are the rules of `page_counter_memparse()`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `text` is anything else, a negative number or blanks around it included.
    ///
    /// [`unlimited`]: Unit::unlimited
    pub fn parse(self, text: &[u8], unlimited: &[u8]) -> Result<usize> {
        if text == unlimited {
            return Ok(self.unlimited());
        }

        let (digits, radix) = match text {
            [b'0', b'x' | b'X', rest @ ..] if rest.first().is_some_and(u8::is_ascii_hexdigit) => {
                (rest, 16)
            }
            [b'0', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => (rest, 8),
            _ => (text, 10),
        };

        let mut value: u64 = 0;
        let mut rest = digits;
        while let [first, tail @ ..] = rest {
            let Some(digit) = char::from(*first).to_digit(radix) else {
                break;
            };
            value = value
                .saturating_mul(u64::from(radix))
                .saturating_add(u64::from(digit));
            rest = tail;
        }

        let shift = match rest {
            [] => 0,
            // A suffix needs a number before it.
            [_] if rest.len() == digits.len() => return Err(EINVAL),
            [b'K' | b'k'] => 10,
            [b'M' | b'm'] => 20,
            [b'G' | b'g'] => 30,
            [b'T' | b't'] => 40,
            [b'P' | b'p'] => 50,
            [b'E' | b'e'] => 60,
            _ => return Err(EINVAL),
        };

        let scaled = value.checked_mul(1 << shift).unwrap_or(u64::MAX);
        let units = usize::try_from(scaled / self.0).unwrap_or(usize::MAX);
        Ok(units.min(self.unlimited()))
    }
}

/// A charge that did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// How many levels above the charged counter the one without room is; 0 is itself.
    pub level: usize,
}

/// A kind of protection from reclaim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Always holds.
    Min,
    /// Holds as long as there is something else to reclaim.
    Low,
}

impl Protection {
    const ALL: [Self; 2] = [Self::Min, Self::Low];
}

/// The numbers of a counter for one kind of protection.
struct Protected<'a> {
    /// What user space asked for.
    setting: &'a Atomic<usize>,
    /// What holds.
    effective: &'a Atomic<usize>,
    /// How much of the usage is protected by the setting.
    usage: &'a Atomic<usize>,
    /// The same of all children, summed up.
    children: &'a Atomic<usize>,
}

/// What part of `parent` units that are protected above goes to a child with `protected` of `usage`
/// units, if all children together have `siblings` protected of `parent_usage` units.
///
/// If children ask for more than there is, each gets its share. If they ask for less and protection
/// is `recursive`, the rest is distributed in proportion to what each has beyond its own.
fn share(
    protected: usize,
    usage: usize,
    siblings: usize,
    parent: usize,
    parent_usage: usize,
    recursive: bool,
) -> usize {
    let part = |whole: usize, of: usize, all: usize| -> usize {
        if all == 0 {
            return 0;
        }
        // SAFETY: `all` is not 0, and the result no more than `whole`, as `of` is capped.
        unsafe {
            bindings::mul_u64_u64_div_u64(whole as u64, of.min(all) as u64, all as u64) as usize
        }
    };

    if siblings > parent {
        return part(parent, protected, siblings);
    }
    if !recursive || usage <= protected || parent_usage <= siblings {
        return protected;
    }
    protected.saturating_add(part(
        parent - siblings,
        usage - protected,
        parent_usage - siblings,
    ))
}

/// A counter of a resource, with a limit, below its parent.
///
/// # Invariants
///
/// `parent` is null or points at a `ResCounter` that outlives this one, and does not change.
#[repr(transparent)]
pub struct ResCounter(Opaque<bindings::res_counter>);

// SAFETY: All fields that change are only accessed as atomics.
unsafe impl Send for ResCounter {}
// SAFETY: As above.
unsafe impl Sync for ResCounter {}

impl ResCounter {
    /// A counter without usage and without a parent, of `limit` units.
    pub fn new(limit: usize) -> Self {
        Self(Opaque::new(bindings::res_counter {
            limit,
            ..pin_init::zeroed()
        }))
    }

    /// A counter without usage below `parent`, of `limit` units.
    pub fn below(parent: &'static ResCounter, limit: usize) -> Self {
        // SAFETY: The parent outlives everything.
        unsafe { Self::below_unchecked(Some(parent), limit) }
    }

    /// A counter without usage below `parent`, of `limit` units.
    ///
    /// # Safety
    ///
    /// `parent` outlives it.
    pub unsafe fn below_unchecked(parent: Option<&ResCounter>, limit: usize) -> Self {
        // INVARIANT: By the requirement of this function.
        Self(Opaque::new(bindings::res_counter {
            parent: parent.map_or(core::ptr::null_mut(), |p| p.0.get()),
            limit,
            ..pin_init::zeroed()
        }))
    }

    /// Makes a counter at `this`, without usage, below `parent`, with `limit` units.
    ///
    /// # Safety
    ///
    /// `this` is valid for writes and nobody else uses it yet; `parent` outlives it.
    pub unsafe fn init(this: *mut Self, parent: Option<&ResCounter>, limit: usize) {
        // SAFETY: By the requirements of this function, `this` is valid and ours alone.
        unsafe { this.write(Self::below_unchecked(parent, limit)) }
    }

    /// Wraps a counter that is embedded in a C structure.
    ///
    /// # Safety
    ///
    /// `ptr` points at a counter that [`ResCounter::init`] made and that lives for `'a`.
    pub unsafe fn from_raw<'a>(ptr: *const bindings::res_counter) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    #[inline]
    fn usage_atomic(&self) -> &Atomic<usize> {
        // SAFETY: The field is valid as long as `self` and is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).usage) }
    }

    #[inline]
    fn limit_atomic(&self) -> &Atomic<usize> {
        // SAFETY: The field is valid as long as `self` and is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).limit) }
    }

    #[inline]
    fn watermark_atomic(&self) -> &Atomic<usize> {
        // SAFETY: The field is valid as long as `self` and is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).watermark) }
    }

    #[inline]
    fn local_watermark_atomic(&self) -> &Atomic<usize> {
        // SAFETY: The field is valid as long as `self` and is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).local_watermark) }
    }

    #[inline]
    fn failcnt_atomic(&self) -> &Atomic<usize> {
        // SAFETY: The field is valid as long as `self` and is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.0.get()).failcnt) }
    }

    /// What belongs to a kind of protection.
    #[inline]
    fn protected(&self, kind: Protection) -> Protected<'_> {
        let raw = self.0.get();
        // SAFETY: The fields are valid as long as `self` and are only accessed atomically.
        unsafe {
            match kind {
                Protection::Min => Protected {
                    setting: Atomic::from_ptr(&raw mut (*raw).min),
                    effective: Atomic::from_ptr(&raw mut (*raw).emin),
                    usage: Atomic::from_ptr(&raw mut (*raw).min_usage),
                    children: Atomic::from_ptr(&raw mut (*raw).children_min_usage),
                },
                Protection::Low => Protected {
                    setting: Atomic::from_ptr(&raw mut (*raw).low),
                    effective: Atomic::from_ptr(&raw mut (*raw).elow),
                    usage: Atomic::from_ptr(&raw mut (*raw).low_usage),
                    children: Atomic::from_ptr(&raw mut (*raw).children_low_usage),
                },
            }
        }
    }

    /// The counter above this one.
    #[inline]
    pub fn parent(&self) -> Option<&ResCounter> {
        // SAFETY: By the type invariant the field is constant, and what it points at outlives us.
        unsafe { (*self.0.get()).parent.cast::<ResCounter>().as_ref() }
    }

    /// This counter and all above it.
    #[inline]
    pub fn up(&self) -> impl Iterator<Item = &ResCounter> {
        core::iter::successors(Some(self), |c| c.parent())
    }

    /// The nearest counter that is this one or above it, and `other` or above that. Steps: levels.
    pub fn common<'a>(&'a self, other: &'a ResCounter) -> Option<&'a ResCounter> {
        let (own, others) = (self.up().count(), other.up().count());
        let levels = own.min(others);
        self.up()
            .skip(own - levels)
            .zip(other.up().skip(others - levels))
            .find(|(own, other)| core::ptr::eq(*own, *other))
            .map(|(own, _)| own)
    }

    /// This counter and those above it, as far as they are below `top`.
    fn up_below<'a>(
        &'a self,
        top: Option<&'a ResCounter>,
    ) -> impl Iterator<Item = &'a ResCounter> + use<'a> {
        self.up()
            .take_while(move |counter| !top.is_some_and(|top| core::ptr::eq(top, *counter)))
    }

    /// Units in use, here and below.
    #[inline]
    pub fn usage(&self) -> usize {
        self.usage_atomic().load(Relaxed)
    }

    /// Units that may be in use.
    #[inline]
    pub fn limit(&self) -> usize {
        self.limit_atomic().load(Relaxed)
    }

    /// The lowest limit from here up.
    pub fn effective_limit(&self) -> usize {
        self.up().map(ResCounter::limit).min().unwrap_or(usize::MAX)
    }

    /// The most units that were in use since [`ResCounter::reset_watermark`].
    pub fn watermark(&self) -> usize {
        self.watermark_atomic().load(Relaxed)
    }

    /// How many charges did not fit here since [`ResCounter::reset_failcnt`].
    pub fn failcnt(&self) -> usize {
        self.failcnt_atomic().load(Relaxed)
    }

    /// Lets the watermark start again at the usage.
    pub fn reset_watermark(&self) {
        self.watermark_atomic().store(self.usage(), Relaxed);
    }

    /// The most units that were in use since [`ResCounter::restart_local_watermark`].
    pub fn local_watermark(&self) -> usize {
        self.local_watermark_atomic().load(Relaxed)
    }

    /// Lets the local watermark start again at the usage. Returns what it was, and the usage.
    pub fn restart_local_watermark(&self) -> (usize, usize) {
        let usage = self.usage();
        (self.local_watermark_atomic().xchg(usage, Relaxed), usage)
    }

    /// Lets the failure count start again at 0.
    pub fn reset_failcnt(&self) {
        self.failcnt_atomic().store(0, Relaxed);
    }

    /// Units that still fit here, whatever the limits above say.
    #[inline]
    pub fn margin(&self) -> usize {
        self.limit().saturating_sub(self.usage())
    }

    #[inline]
    fn note_watermark(&self, usage: usize) {
        // Two racing charges may lose one update: a sample of a moving value either way.
        if usage > self.watermark() {
            self.watermark_atomic().store(usage, Relaxed);
        }
        if usage > self.local_watermark() {
            self.local_watermark_atomic().store(usage, Relaxed);
        }
    }

    /// Tells the parent how much of `usage` is protected.
    fn tell_protected(&self, usage: usize, kind: Protection) {
        let Some(parent) = self.parent() else {
            return;
        };
        let own = self.protected(kind);
        let new = usage.min(own.setting.load(Relaxed));
        if new != own.usage.load(Relaxed) {
            let old = own.usage.xchg(new, Relaxed);
            let change = new.wrapping_sub(old);
            parent.protected(kind).children.add(change, Relaxed);
        }
    }

    /// The usage has changed to `usage`.
    #[inline]
    fn note_usage(&self, usage: usize) {
        for kind in Protection::ALL {
            let own = self.protected(kind);
            // What was told last may have to be taken back, too.
            if own.setting.load(Relaxed) != 0 || own.usage.load(Relaxed) != 0 {
                self.tell_protected(usage, kind);
            }
        }
    }

    /// Charges `n` units to this counter alone, if its limit has room.
    fn try_charge_one(&self, n: usize) -> Result<(), ()> {
        let usage = self.usage_atomic();
        // Who sees that there is no room leaves the counter alone: others may have some.
        if usage.load(Relaxed).saturating_add(n) > self.limit() {
            return Err(());
        }
        let new = usage.fetch_add(n, Full).wrapping_add(n);

        // Others may have come in between. And `set_limit()` writes the limit and then reads the
        // usage, we write the usage and then read the limit: with full barriers on both sides one
        // of the two sees the other.
        if new > self.limit() {
            usage.fetch_sub(n, Full);
            return Err(());
        }

        Ok(())
    }

    /// Charges `n` units here and to every counter above, or nowhere.
    ///
    /// # Errors
    ///
    /// [`OverLimit`] names the lowest counter without room; its failure count went up by one.
    #[inline]
    pub fn try_charge(&self, n: usize) -> Result<(), OverLimit> {
        self.try_charge_below(n, None)
    }

    /// Charges `n` units here and to the counters above that are below `top`, or nowhere: a charge
    /// moves from one counter to another without what is above both noticing.
    ///
    /// # Errors
    ///
    /// As [`ResCounter::try_charge`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use kernel::{prelude::*, res_counter::ResCounter};
    /// let house = ResCounter::new(10);
    /// // SAFETY: The house outlives its rooms.
    /// let (hall, attic) = unsafe {
    ///     (
    ///         ResCounter::below_unchecked(Some(&house), 10),
    ///         ResCounter::below_unchecked(Some(&house), 4),
    ///     )
    /// };
    /// hall.charge(10);
    ///
    /// // Four chairs go to the attic, though the house is full.
    /// let top = hall.common(&attic);
    /// assert!(attic.try_charge(4).is_err());
    /// assert!(attic.try_charge_below(4, top).is_ok());
    /// hall.uncharge_below(4, top);
    /// assert_eq!((hall.usage(), attic.usage(), house.usage()), (6, 4, 10));
    /// assert!(attic.try_charge_below(1, top).is_err());
    /// ```
    pub fn try_charge_below(&self, n: usize, top: Option<&ResCounter>) -> Result<(), OverLimit> {
        for (level, counter) in self.up_below(top).enumerate() {
            if counter.try_charge_one(n).is_err() {
                counter.failcnt_atomic().add(1usize, Relaxed);
                for charged in self.up().take(level) {
                    charged.uncharge_one(n);
                    // Another charge may have noted the usage with ours in it.
                    charged.note_usage(charged.usage());
                }
                return Err(OverLimit { level });
            }
        }
        // Only now: a charge that was taken back has not been in use.
        for counter in self.up_below(top) {
            let usage = counter.usage();
            // A charge that others are about to take back may be in it: see `try_charge_one()`.
            counter.note_watermark(usage.min(counter.limit()));
            counter.note_usage(usage);
        }
        Ok(())
    }

    /// Charges `n` units here and above even where no limit has room.
    pub fn charge(&self, n: usize) {
        for counter in self.up() {
            let usage = counter.usage_atomic().fetch_add(n, Relaxed).wrapping_add(n);
            counter.note_watermark(usage);
            counter.note_usage(usage);
        }
    }

    fn uncharge_one(&self, n: usize) {
        let old = self.usage_atomic().fetch_sub(n, Full);
        if warn_on_once!(old < n) {
            // More came back than was taken: there is no right value, 0 does the least harm.
            self.usage_atomic().store(0, Relaxed);
        }
    }

    /// Takes back `n` units here and above. A full barrier: who then finds nobody waiting for room
    /// has been seen by all who begin to wait later.
    #[inline]
    pub fn uncharge(&self, n: usize) {
        self.uncharge_below(n, None);
    }

    /// Takes back `n` units here and above, as far as that is below `top`.
    #[inline]
    pub fn uncharge_below(&self, n: usize, top: Option<&ResCounter>) {
        for counter in self.up_below(top) {
            counter.uncharge_one(n);
            counter.note_usage(counter.usage());
        }
    }

    /// Sets the limit to `limit` units, if no more than that is in use.
    ///
    /// A charge that races with this either still counts against the old limit and makes this
    /// fail, or fails itself. Of two calls that race with each other, one may undo the other's
    /// limit: callers take turns.
    ///
    /// # Errors
    ///
    /// `EBUSY` if more is in use, be it for the moment in which another's charge is refused; the
    /// limit is then what it was.
    pub fn set_limit(&self, limit: usize) -> Result {
        loop {
            if self.usage() > limit {
                return Err(EBUSY);
            }
            let old = self.limit_atomic().xchg(limit, Full);
            if self.usage() <= limit {
                return Ok(());
            }
            // A charge came between. A full barrier, for who then looks for those that wait.
            self.limit_atomic().xchg(old, Full);
        }
    }

    /// Sets the limit to `limit` units whatever is in use: from now on nothing can be charged
    /// until the usage is below it.
    pub fn force_limit(&self, limit: usize) {
        self.limit_atomic().xchg(limit, Full);
    }

    /// How many units are to be protected.
    pub fn protection(&self, kind: Protection) -> usize {
        self.protected(kind).setting.load(Relaxed)
    }

    /// Sets how many units are to be protected.
    pub fn set_protection(&self, kind: Protection, n: usize) {
        self.protected(kind).setting.store(n, Relaxed);
        self.tell_protected(self.usage(), kind);
    }

    /// How many units are protected, as of the last [`ResCounter::update_protection`].
    pub fn effective_protection(&self, kind: Protection) -> usize {
        self.protected(kind).effective.load(Relaxed)
    }

    /// How many units in use by the children are protected by their settings.
    pub fn children_protected(&self, kind: Protection) -> usize {
        self.protected(kind).children.load(Relaxed)
    }

    /// How many units in use are protected by the setting.
    pub fn usage_protected(&self, kind: Protection) -> usize {
        self.usage().min(self.protection(kind))
    }

    /// Finds out how much of the usage is protected in a reclaim of the counters below `root`
    /// (`None`: of all). The parent's must have been updated before.
    ///
    /// Directly below the root of the reclaim the settings hold as they are. Further down, what is
    /// protected is a part of what is protected above; without `recursive`, no more than the
    /// setting.
    #[inline]
    pub fn update_protection(&self, root: Option<&ResCounter>, recursive: bool) {
        let is_root = |counter| root.is_some_and(|root| core::ptr::eq(root, counter));
        if is_root(self) {
            return;
        }
        match self.parent() {
            Some(parent) if !is_root(parent) => self.share_protection(parent, recursive),
            _ => {
                for kind in Protection::ALL {
                    let own = self.protected(kind);
                    own.effective.store(own.setting.load(Relaxed), Relaxed);
                }
            }
        }
    }

    /// The part of this counter of what is protected of its `parent`.
    fn share_protection(&self, parent: &ResCounter, recursive: bool) {
        let usage = self.usage();
        if usage == 0 {
            return;
        }
        for kind in Protection::ALL {
            let own = self.protected(kind);
            let effective = share(
                own.setting.load(Relaxed).min(usage),
                usage,
                parent.children_protected(kind),
                parent.effective_protection(kind),
                parent.usage(),
                recursive,
            );
            own.effective.store(effective, Relaxed);
        }
    }
}
