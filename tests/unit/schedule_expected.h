/* Made by tests/unit/generate-training.py: do not edit. */
#include <stdint.h>

/* clang-format off */
static const double rates_warm[] = {0x0.0p+0, 0x1.4f8b588e368f1p-17, 0x1.4f8b588e368f1p-16, 0x1.f75104d551d69p-16, 0x1.4f8b588e368f1p-15, 0x1.a36e2eb1c432dp-15, 0x1.8777e75094fc4p-15, 0x1.6b819fef65c5ap-15, 0x1.4f8b588e368f1p-15, 0x1.3395112d07587p-15, 0x1.179ec9cbd821ep-15, 0x1.f75104d551d69p-16, 0x1.bf647612f3696p-16, 0x1.8777e75094fc4p-16, 0x1.4f8b588e368f1p-16, 0x1.179ec9cbd821ep-16, 0x1.bf647612f3696p-17, 0x1.4f8b588e368f1p-17, 0x1.bf647612f3696p-18, 0x1.bf647612f3696p-19};
static const double rates_cold[] = {0x1.a36e2eb1c432dp-14, 0x1.67830373ccbddp-14, 0x1.2b97d835d548ep-14, 0x1.df5959efbba7cp-15, 0x1.67830373ccbddp-15, 0x1.df5959efbba7cp-16, 0x1.df5959efbba7cp-17};
static const double rates_short[] = {0x0.0p+0, 0x1.74d3b7ba75828p-17, 0x1.74d3b7ba75828p-16, 0x1.179ec9cbd821ep-15};
