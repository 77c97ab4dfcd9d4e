/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The floor of a start: a program that does nothing. */
int main(void)
{
	return 0;
}
