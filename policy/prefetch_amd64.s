#include "textflag.h"

// func prefetch(octet *byte)
TEXT ·prefetch(SB), NOSPLIT, $0-8
	MOVQ	octet+0(FP), AX
	PREFETCHT0	(AX)
	PREFETCHT0	64(AX)
	PREFETCHT0	128(AX)
	PREFETCHT0	192(AX)
	RET
