noinst_LIBRARIES += %reldir%/libhlforge.a
%canon_reldir%_libhlforge_a_SOURCES = \
	%reldir%/call.c \
	%reldir%/comment.c \
	%reldir%/comments.c %reldir%/comments.h \
	%reldir%/detect.c \
	%reldir%/forge.c %reldir%/forge.h \
	%reldir%/mark.c \
	%reldir%/session.h \
	%reldir%/status.c \
	%reldir%/table.c
