/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM memctl

#if !defined(_TRACE_MEMCTL_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_MEMCTL_H

#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/tracepoint.h>

/* A folio that was to be freed is another container's: ids are those of cgroups. */
TRACE_EVENT(memctl_hand_over,
	    TP_PROTO(struct folio *folio, struct mem_cgroup *from,
		     struct mem_cgroup *to),
	    TP_ARGS(folio, from, to),
	    TP_STRUCT__entry(__field(unsigned long, pfn)
			     __field(unsigned long, nr)
			     __field(unsigned long, ino)
			     __field(unsigned long, index)
			     __field(u64, from)
			     __field(u64, to)
	    ),
	    TP_fast_assign(__entry->pfn = folio_pfn(folio);
			   __entry->nr = folio_nr_pages(folio);
			   __entry->ino = folio->mapping ?
					  folio->mapping->host->i_ino : 0;
			   __entry->index = folio->index;
			   __entry->from = cgroup_id(from->css.cgroup);
			   __entry->to = cgroup_id(to->css.cgroup);
	    ),
	    TP_printk("pfn=0x%lx nr=%lu ino=%lu index=%lu from=%llu to=%llu",
		      __entry->pfn, __entry->nr, __entry->ino, __entry->index,
		      __entry->from, __entry->to)
);

#endif /* _TRACE_MEMCTL_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
