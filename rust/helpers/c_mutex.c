// SPDX-License-Identifier: GPL-2.0

#include <linux/mutex.h>

__rust_helper bool rust_helper_mutex_lock_unless_killed(struct mutex *lock)
{
	return !mutex_lock_killable(lock);
}
