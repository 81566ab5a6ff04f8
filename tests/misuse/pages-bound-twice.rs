// error[E0382]: use of moved value: `pages`
// The reference of the first owner would be lost.

use crate::c::{
    meta_page::KernelPages,
    objcg::Owner, //
};

fn bind(pages: KernelPages<'_>, one: Owner, other: &Owner) {
    pages.bind(one);
    // misuse
    pages.bind(other.clone());
    // end
    let _ = other;
}
