// SPDX-License-Identifier: GPL-2.0

#include <linux/cgroup.h>

#ifdef CONFIG_CGROUPS
__rust_helper void rust_helper_css_get(struct cgroup_subsys_state *css)
{
	css_get(css);
}

__rust_helper bool rust_helper_css_tryget(struct cgroup_subsys_state *css)
{
	return css_tryget(css);
}

__rust_helper void rust_helper_css_put(struct cgroup_subsys_state *css)
{
	css_put(css);
}

__rust_helper ino_t rust_helper_cgroup_ino(struct cgroup *cgrp)
{
	return cgroup_ino(cgrp);
}

__rust_helper void rust_helper_pr_cont_cgroup_path(struct cgroup *cgrp)
{
	pr_cont_cgroup_path(cgrp);
}

__rust_helper struct cgroup_subsys_state *
rust_helper_seq_css(struct seq_file *seq)
{
	return seq_css(seq);
}

__rust_helper void rust_helper_list_del(struct list_head *entry)
{
	list_del(entry);
}
#endif
