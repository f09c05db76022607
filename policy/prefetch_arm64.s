#include "textflag.h"

// func prefetch(octet *byte)
TEXT ·prefetch(SB), NOSPLIT, $0-8
	MOVD	octet+0(FP), R0
	PRFM	(R0), PLDL1KEEP
	PRFM	64(R0), PLDL1KEEP
	PRFM	128(R0), PLDL1KEEP
	PRFM	192(R0), PLDL1KEEP
	RET
