noinst_LIBRARIES += %reldir%/libhlpreview.a
%canon_reldir%_libhlpreview_a_SOURCES = %reldir%/preview.h %reldir%/preview.c %reldir%/compose.c
