// error: implementation of an `unsafe` trait
// Any type could be taken for the state of a controller, or for what C hands over.

use kernel::cgroup::{
    Css,
    CssData, //
};

struct Anything(u64);

// misuse
// SAFETY: Nobody knows.
unsafe impl CssData for Anything {}
// end

fn parent(css: &Css) -> Option<&Css> {
    let _what = Anything(0).0;
    css.parent()
}
