// SPDX-License-Identifier: GPL-2.0

#include <linux/nodemask.h>

__rust_helper bool rust_helper_node_possible(int nid)
{
	return node_possible(nid);
}

__rust_helper bool rust_helper_node_has_memory(int nid)
{
	return node_state(nid, N_MEMORY);
}

__rust_helper int rust_helper_nr_possible_node_ids(void)
{
	return nr_node_ids;
}
