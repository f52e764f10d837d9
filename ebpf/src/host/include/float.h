#ifndef _FLOAT_H
#define _FLOAT_H
#endif
