/** A block device's number as `/proc/1/mountinfo` and sysfs write it: `254:0`. */
export type DeviceNumber = string;

/**
 * The number of the device that a file lies on, from `st_dev` of a stat with bigint.
 * The encoding is glibc's gnu_dev_makedev (sys/sysmacros.h).
 */
export function toDeviceNumber(device: bigint): DeviceNumber {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
