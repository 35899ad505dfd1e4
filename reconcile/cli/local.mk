bin_PROGRAMS += hlrec

hlrec_SOURCES = \
	reconcile/main.c \
	%reldir%/adopt.c \
	%reldir%/announce.c %reldir%/announce.h \
	%reldir%/apply.c \
	%reldir%/cli.c \
	%reldir%/command.h \
	%reldir%/commands.c %reldir%/commands.h \
	%reldir%/comment.c %reldir%/comment.h \
	%reldir%/completion.c \
	%reldir%/context.c %reldir%/context.h \
	%reldir%/destroy.c \
	%reldir%/doctor.c \
	%reldir%/drift.c \
	%reldir%/events.c \
	%reldir%/exit.c \
	%reldir%/explain.c \
	%reldir%/flow.c %reldir%/flow.h \
	%reldir%/graph.c \
	%reldir%/habits.c %reldir%/habits.h \
	%reldir%/help.c %reldir%/help.h \
	%reldir%/hold.c %reldir%/hold.h \
	%reldir%/import.c \
	%reldir%/init.c \
	%reldir%/load.c \
	%reldir%/metrics.c \
	%reldir%/moment.c %reldir%/moment.h \
	%reldir%/notify.c \
	%reldir%/notify_form.c %reldir%/notify_form.h \
	%reldir%/options.c %reldir%/options.h \
	%reldir%/outcome.c \
	%reldir%/output.c \
	%reldir%/plan.c \
	%reldir%/planfile.c %reldir%/planfile.h \
	%reldir%/planfile_parse.c \
	%reldir%/preview.c %reldir%/preview.h \
	%reldir%/prompt.c \
	%reldir%/records.c %reldir%/records.h \
	%reldir%/report.c \
	%reldir%/schema.c \
	%reldir%/secret.c \
	%reldir%/signals.c \
	%reldir%/signature.c %reldir%/signature.h \
	%reldir%/source.c %reldir%/source.h \
	%reldir%/state.c \
	%reldir%/state_change.c \
	%reldir%/state_check.c \
	%reldir%/status.c \
	%reldir%/suspend.c %reldir%/suspend.h \
	%reldir%/unmanaged.c \
	%reldir%/validate.c \
	%reldir%/values.c %reldir%/values.h \
	%reldir%/version.c

hlrec_LDADD = \
	reconcile/render/libhlrender.a \
	reconcile/forge/libhlforge.a \
	reconcile/engine/libhlengine.a \
	reconcile/providers/libhlproviders.a \
	reconcile/transport/libhltransport.a \
	reconcile/preview/libhlpreview.a \
	reconcile/plan/libhlplan.a \
	schema/libhlschema.a \
	state/libhlstate.a \
	schema/base/libhlbase.a \
	$(HL_LIBS)
