#ifndef _STDBOOL_H
#define _STDBOOL_H
#define bool _Bool
#endif
