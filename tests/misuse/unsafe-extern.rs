// error: usage of an `unsafe extern` block
// A function of C would be called as if it had no requirements.

fn free(object: *const u8) -> bool {
    // misuse
    unsafe extern "C" {
        safe fn kfree(object: *const u8);
    }
    kfree(object);
    // end
    object.is_null()
}
