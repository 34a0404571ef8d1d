/* Work that may take long (disk, a JPEG) away from the loop, and its end back in the loop. */
#pragma once

/** Run work(data) in a thread of a pool, then done(data) in the thread-default main context of the
 * caller, whatever happens. Owns: `data` belongs to the job until done() runs. Thread: one with a
 * main context.
 */
void mcu_job_run(void (*work)(void *data), void (*done)(void *data), void *data);
