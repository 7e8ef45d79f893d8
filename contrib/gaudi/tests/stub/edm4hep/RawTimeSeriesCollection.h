#include "collections.h"
