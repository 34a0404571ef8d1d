/* What was typed: options, command, help. */
#include "ctl/ctl.h"

#include <errno.h>
#include <string.h>

#include "ctl/ctl_priv.h"

#define DEFAULT_URL "http://127.0.0.1:8080"

static const struct {
	const char *name;
	bool value;
} options[MCU_CTL_N_OPTS] = {
	[MCU_CTL_URL] = { "url", true },       [MCU_CTL_TOKEN] = { "token", true },
	[MCU_CTL_JSON] = { "json" },           [MCU_CTL_HELP] = { "help" },
	[MCU_CTL_VERSION] = { "version" },     [MCU_CTL_LAYOUT] = { "layout", true },
	[MCU_CTL_RECORD] = { "record" },       [MCU_CTL_FOCUS] = { "focus", true },
	[MCU_CTL_NAME] = { "name", true },     [MCU_CTL_WIDTH] = { "width", true },
	[MCU_CTL_HEIGHT] = { "height", true }, [MCU_CTL_ONCE] = { "once" },
	[MCU_CTL_COUNT] = { "count", true },
};

#define FOR_ALL                                                                                    \
	(1u << MCU_CTL_URL | 1u << MCU_CTL_TOKEN | 1u << MCU_CTL_JSON | 1u << MCU_CTL_HELP |       \
	 1u << MCU_CTL_VERSION)

static void help(FILE *out)
{
	fprintf(out, "usage: mcuctl [--url URL] [--token TOKEN] [--json] COMMAND\n\n"
		     "  --url URL      the server; default $MCU_URL, or " DEFAULT_URL "\n"
		     "  --token TOKEN  default $MCU_TOKEN\n"
		     "  --json         print what the server says, as JSON\n\n");
	for (size_t i = 0; i < mcu_ctl_n_commands; i++) {
		const McuCtlCommand *c = &mcu_ctl_commands[i];
		g_autofree char *left = g_strdup_printf("%s %s", c->name, c->usage);

		fprintf(out, "  %-42s %s\n", left, c->help);
	}
	fprintf(out, "  %-42s %s\n", "version", "of this program");
	fprintf(out, "\nPARTICIPANT is an id or a name that only one has. Exit: 0 done, 1 refused, "
		     "2 usage,\n3 no connection.\n");
}

static McuCtlExit bad(McuCtl *ctl, const char *format, const char *what)
{
	fputs("mcuctl: ", ctl->err);
	fprintf(ctl->err, "%s \"%s\"; mcuctl --help lists what there is\n", format, what);
	return MCU_CTL_USAGE;
}

/* argv[*i] begins with "--". */
static McuCtlExit parse_option(McuCtl *ctl, int argc, char **argv, int *i)
{
	const char *text = argv[*i] + 2, *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : strlen(text);

	for (unsigned o = 0; o < MCU_CTL_N_OPTS; o++) {
		if (strlen(options[o].name) != len || strncmp(options[o].name, text, len) != 0)
			continue;
		if (options[o].value && !equals && *i + 1 >= argc)
			return bad(ctl, "a value is missing after", argv[*i]);
		if (!options[o].value && equals)
			return bad(ctl, "no value is expected in", argv[*i]);
		ctl->opts[o] = !options[o].value ? "" : equals ? equals + 1 : argv[++*i];
		return MCU_CTL_OK;
	}
	return bad(ctl, "there is no option", argv[*i]);
}

static McuCtlExit parse(McuCtl *ctl, int argc, char **argv, const char **ret_command)
{
	bool only_args = false;

	for (int i = 1; i < argc; i++) {
		McuCtlExit r = MCU_CTL_OK;

		if (!only_args && strcmp(argv[i], "--") == 0)
			only_args = true;
		else if (!only_args && g_str_has_prefix(argv[i], "--"))
			r = parse_option(ctl, argc, argv, &i);
		else if (!*ret_command)
			*ret_command = argv[i];
		else if (ctl->n_args == MCU_CTL_MAX_ARGS)
			r = bad(ctl, "one argument too many:", argv[i]);
		else
			ctl->args[ctl->n_args++] = argv[i];
		if (r != MCU_CTL_OK)
			return r;
	}
	return MCU_CTL_OK;
}

static McuCtlExit check(McuCtl *ctl, const McuCtlCommand *c)
{
	for (unsigned o = 0; o < MCU_CTL_N_OPTS; o++)
		if (ctl->opts[o] && !((FOR_ALL | c->opts) & 1u << o))
			return bad(ctl, "this command does not take the option", options[o].name);
	for (unsigned i = 0; i < ctl->n_args; i++)
		if (!*ctl->args[i])
			return bad(ctl, "an argument is empty:", ctl->args[i]);
	if (ctl->n_args >= c->min_args && ctl->n_args <= c->max_args)
		return MCU_CTL_OK;
	fprintf(ctl->err, "usage: mcuctl %s %s\n", c->name, c->usage);
	return MCU_CTL_USAGE;
}

static McuCtlExit run(McuCtl *ctl, const char *name)
{
	for (size_t i = 0; i < mcu_ctl_n_commands; i++) {
		const McuCtlCommand *c = &mcu_ctl_commands[i];
		McuCtlExit r;

		if (strcmp(c->name, name) != 0)
			continue;
		r = check(ctl, c);
		if (r != MCU_CTL_OK)
			return r;
		mcu_ctl_connect(ctl);
		r = c->run(ctl);
		mcu_ctl_disconnect(ctl);
		return r;
	}
	return bad(ctl, "there is no command", name);
}

/* --- */

static const char *setting(const char *given, const char *variable, const char *otherwise)
{
	const char *value = given && *given ? given : g_getenv(variable);

	return value && *value ? value : otherwise;
}

McuCtlExit mcu_ctl_run(int argc, char **argv, FILE *out, FILE *err)
{
	g_autoptr(GMainContext) context = g_main_context_new();
	McuCtl ctl = { .out = out, .err = err };
	const char *command = NULL;
	McuCtlExit r = parse(&ctl, argc, argv, &command);

	if (r != MCU_CTL_OK)
		return r;
	if (ctl.opts[MCU_CTL_VERSION] || g_strcmp0(command, "version") == 0) {
		fprintf(out, "mcuctl " MCU_VERSION "\n");
		return MCU_CTL_OK;
	}
	if (ctl.opts[MCU_CTL_HELP] || g_strcmp0(command, "help") == 0 || !command) {
		bool asked = command || ctl.opts[MCU_CTL_HELP];
		help(asked ? out : err);
		return asked ? MCU_CTL_OK : MCU_CTL_USAGE;
	}
	ctl.url = setting(ctl.opts[MCU_CTL_URL], "MCU_URL", DEFAULT_URL);
	ctl.token = setting(ctl.opts[MCU_CTL_TOKEN], "MCU_TOKEN", NULL);
	g_main_context_push_thread_default(context);
	r = run(&ctl, command);
	g_main_context_pop_thread_default(context);
	if (fflush(out) != 0 && r == MCU_CTL_OK) {
		fprintf(err, "mcuctl: cannot write: %s\n", g_strerror(errno));
		r = MCU_CTL_REFUSED;
	}
	return r;
}
