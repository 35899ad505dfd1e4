noinst_LIBRARIES += %reldir%/libhlrender.a

%canon_reldir%_libhlrender_a_SOURCES = \
	%reldir%/render.h \
	%reldir%/change.c %reldir%/change.h \
	%reldir%/drift.c \
	%reldir%/error.c \
	%reldir%/graph.c \
	%reldir%/graph_layout.c %reldir%/graph_layout.h \
	%reldir%/html.c %reldir%/html.h %reldir%/html_page.h \
	%reldir%/html_changes.c \
	%reldir%/html_graph.c \
	%reldir%/html_history.c \
	%reldir%/html_lists.c \
	%reldir%/html_rows.c \
	%reldir%/html_style.c \
	%reldir%/html_summary.c \
	%reldir%/html_table.c \
	%reldir%/html_text.c \
	%reldir%/human.c \
	%reldir%/journal.c \
	%reldir%/json.c %reldir%/plan_json.h \
	%reldir%/layout.c %reldir%/layout.h \
	%reldir%/markdown.c %reldir%/markdown.h \
	%reldir%/markdown_details.c \
	%reldir%/markdown_list.c \
	%reldir%/markdown_page.h \
	%reldir%/markdown_table.c \
	%reldir%/markdown_text.c %reldir%/markdown_text.h \
	%reldir%/mask.c \
	%reldir%/progress.c \
	%reldir%/run.c \
	%reldir%/sink.c \
	%reldir%/unified.c %reldir%/unified.h
