/* herd-places: makes and searches the files of places that the provider sqlite reads. */
#include "places/tool.h"

int main(int argc, char **argv)
{
    return tool_main(argc, argv);
}
