/* A task for beginners: guess the number, get the flag. It knows nothing of networks; superd gives it the player as its
 * standard input and output. The way to win is not to guess. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(void)
{
	char line[64];
	char flag[128];
	FILE *file;

	setvbuf(stdout, NULL, _IONBF, 0);
	srand((unsigned)time(NULL)); /* the flaw */
	long number = rand();

	printf("I think of a number. What is it?\n");
	if (!fgets(line, sizeof line, stdin))
		return 1;
	if (strtol(line, NULL, 10) != number) {
		printf("No, it was %ld.\n", number);
		return 0;
	}
	file = fopen("/flag", "r");
	if (!file || !fgets(flag, sizeof flag, file)) {
		printf("The flag is missing. Tell who runs this.\n");
		return 1;
	}
	printf("Yes! %s", flag);
	return 0;
}
