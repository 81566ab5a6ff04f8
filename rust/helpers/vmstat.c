// SPDX-License-Identifier: GPL-2.0

#include <linux/mmzone.h>
#include <linux/vmstat.h>

__rust_helper struct pglist_data *rust_helper_numa_node_data(int nid)
{
	return NODE_DATA(nid);
}

__rust_helper unsigned long
rust_helper_node_state_monotonic(struct pglist_data *pgdat,
				 enum node_stat_item item)
{
	return node_page_state_monotonic(pgdat, item);
}

__rust_helper void rust_helper_node_page_state_add(struct pglist_data *pgdat,
						   enum node_stat_item item,
						   long nr)
{
	mod_node_page_state(pgdat, item, nr);
}
