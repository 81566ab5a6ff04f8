// SPDX-License-Identifier: GPL-2.0

#include <linux/mmzone.h>
#include <linux/spinlock.h>

__rust_helper void rust_helper_lruvec_spin_lock(struct lruvec *lruvec)
{
	spin_lock(&lruvec->lru_lock);
}

__rust_helper void rust_helper_lruvec_spin_unlock(struct lruvec *lruvec)
{
	spin_unlock(&lruvec->lru_lock);
}

__rust_helper void rust_helper_lruvec_spin_lock_irq(struct lruvec *lruvec)
{
	spin_lock_irq(&lruvec->lru_lock);
}

__rust_helper void rust_helper_lruvec_spin_unlock_irq(struct lruvec *lruvec)
{
	spin_unlock_irq(&lruvec->lru_lock);
}

__rust_helper unsigned long
rust_helper_lruvec_spin_lock_irqsave(struct lruvec *lruvec)
{
	unsigned long flags;

	spin_lock_irqsave(&lruvec->lru_lock, flags);
	return flags;
}

__rust_helper void
rust_helper_lruvec_spin_unlock_irqrestore(struct lruvec *lruvec,
					  unsigned long flags)
{
	spin_unlock_irqrestore(&lruvec->lru_lock, flags);
}

__rust_helper void rust_helper_lruvec_lock_nested(struct lruvec *lruvec,
						  int subclass)
{
	spin_lock_nested(&lruvec->lru_lock, subclass);
}

#ifdef CONFIG_LRU_GEN
/* The pages of @type, LRU_GEN_ANON or LRU_GEN_FILE, in all generations. */
__rust_helper long rust_helper_lruvec_gen_pages(struct lruvec *lruvec, int type)
{
	long nr = 0;
	int gen, zone;

	for (gen = 0; gen < MAX_NR_GENS; gen++)
		for (zone = 0; zone < MAX_NR_ZONES; zone++)
			nr += READ_ONCE(lruvec->lrugen.nr_pages[gen][type][zone]);
	return nr;
}
#endif
