// error[E0382]: borrow of moved value: `page`
// Who has a folio frozen changes whose it is: a handle that was seen because of the lock would go.

use crate::c::{
    binding::Locked,
    frozen,
    meta_page::MetaPage,
    objcg::Owner, //
};

fn rebind(page: MetaPage<'_, Locked>, owner: Owner) -> bool {
    let old = frozen::while_frozen(page, |mut page| {
        let old = page.unbind();
        page.bind(owner);
        old
    });
    // misuse
    return page.owner().is_some();
    // end
    old.flatten().is_some()
}
