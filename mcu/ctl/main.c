#include <locale.h>

#include "ctl/ctl.h"

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	return (int)mcu_ctl_run(argc, argv, stdout, stderr);
}
