// error[E0451]: is private
// A field that is not where it is said to be, or is of another type.

use crate::c::memcg::MemCgroup;
use core::marker::PhantomData;
use kernel::cgroup::{
    Field,
    FileHandle, //
};

const HANDLE: Field<MemCgroup, FileHandle> = MemCgroup::EVENTS_FILE;
// misuse
const WRONG: Field<MemCgroup, FileHandle> = Field {
    offset: 8,
    _types: PhantomData,
};
// end
const NONE: PhantomData<()> = PhantomData;
