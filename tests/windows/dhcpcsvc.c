/* Stands in for the DHCP client of Windows (dhcpcsvc.dll), as its documentation describes it, where Wine's does not know the
   options: scripts/test-windows locate. It knows 150 (two addresses) and 66, takes the adapters that this Windows has, and
   refuses what the documentation does not allow. */
#include <winsock2.h>
#include <iphlpapi.h>
#include <dhcpcsdk.h>
#include <stdlib.h>
#include <string.h>

static LONG sessions;
static LONG requests;

static const BYTE option_150[] = {127, 0, 0, 20, 127, 0, 0, 22};
static const BYTE option_66[] = "127.0.0.21";

DWORD WINAPI DhcpCApiInitialize(LPDWORD version) {
  if (!version) return ERROR_INVALID_PARAMETER;
  *version = 1;
  InterlockedIncrement(&sessions);
  return NO_ERROR;
}

VOID WINAPI DhcpCApiCleanup(VOID) { InterlockedDecrement(&sessions); }

static BOOL is_adapter(LPCWSTR name) {
  ULONG size = 256 * 1024;
  IP_ADAPTER_ADDRESSES *all = malloc(size), *one;
  BOOL found = FALSE;
  if (all && GetAdaptersAddresses(AF_UNSPEC, 0, NULL, all, &size) == NO_ERROR) {
    for (one = all; one; one = one->Next) {
      WCHAR wide[128];
      MultiByteToWideChar(CP_ACP, 0, one->AdapterName, -1, wide, 128);
      found = found || lstrcmpW(wide, name) == 0;
    }
  }
  free(all);
  return found;
}

DWORD WINAPI DhcpRequestParams(DWORD flags, LPVOID reserved, LPWSTR adapter, LPDHCPCAPI_CLASSID class_id,
                               DHCPCAPI_PARAMS_ARRAY sent, DHCPCAPI_PARAMS_ARRAY wanted, LPBYTE buffer, LPDWORD size,
                               LPWSTR request_id) {
  DWORD used = 0, room;
  ULONG at;
  (void)class_id;
  if (sessions <= 0) return ERROR_NOT_READY;
  if (flags != DHCPCAPI_REQUEST_SYNCHRONOUS || reserved || request_id || !adapter || !size || !buffer) return ERROR_INVALID_PARAMETER;
  if (sent.nParams || !wanted.nParams || !wanted.Params) return ERROR_INVALID_PARAMETER;
  if (!is_adapter(adapter)) return ERROR_FILE_NOT_FOUND;
  room = *size;
  /* The first asks again: what it wants does not fit. */
  if (InterlockedIncrement(&requests) == 1) {
    *size = room + 1;
    return ERROR_MORE_DATA;
  }
  for (at = 0; at < wanted.nParams; at++) {
    DHCPAPI_PARAMS *param = &wanted.Params[at];
    const BYTE *value = NULL;
    DWORD length = 0;
    if (param->OptionId == 150) value = option_150, length = sizeof option_150;
    if (param->OptionId == 66) value = option_66, length = sizeof option_66 - 1;
    if (used + length > room) {
      *size = used + length;
      return ERROR_MORE_DATA;
    }
    param->Data = value ? buffer + used : NULL;
    param->nBytesData = length;
    if (value) memcpy(buffer + used, value, length);
    used += length;
  }
  *size = used;
  return NO_ERROR;
}
