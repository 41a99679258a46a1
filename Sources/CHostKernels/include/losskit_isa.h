#pragma once

/// The instruction sets that every kernel is compiled for.
enum losskit_isa { losskit_isa_baseline = 0, losskit_isa_avx2 = 1, losskit_isa_avx512 = 2 };

/// The best level of this machine; LOSSKIT_CPU_ISA (baseline, avx2, avx512 or 0, 1, 2) forces a lower one.
int losskit_isa_level(void);
