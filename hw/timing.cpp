// The recurrence of hw/timing.py as far as it goes; `_advance` there is the same in Python.
#include <algorithm>
#include <cstdint>

extern "C" void timing_advance(
    int64_t processes,
    const int64_t* starts,  // [processes + 1], of each process in `time`
    const int64_t* first,   // [processes + 1], of each process among the waits
    const int64_t* begin,   // [waits + 1], of each wait in `at` and `index`
    const int64_t* base,    // [waits], start of the process waited for
    const int64_t* delays,  // [waits]
    const int32_t* at,      // steps that wait, ascending in each wait
    const int32_t* index,   // the steps they wait for
    int64_t* cursor,        // [waits], the first entry that is not yet passed
    int64_t* time,          // of every step; -1 where it is not known
    int64_t* known)         // [processes], steps whose time is known
{
    for (bool progress = true; progress;) {
        progress = false;
        for (int64_t p = 0; p < processes; ++p) {
            int64_t* row = time + starts[p];
            const int64_t steps = starts[p + 1] - starts[p];
            int64_t step = known[p];
            int64_t now = step ? row[step - 1] : -1;
            bool free = true;
            while (step < steps && free) {
                int64_t next = steps;       // the next step that waits
                int64_t earliest = now + 1;
                for (int64_t w = first[p]; w < first[p + 1]; ++w) {
                    if (cursor[w] == begin[w + 1]) continue;
                    const int64_t entry = cursor[w];
                    if (at[entry] > step) {
                        next = std::min<int64_t>(next, at[entry]);
                        continue;
                    }
                    const int64_t other = time[base[w] + index[entry]];
                    if (other < 0) {
                        free = false;
                        break;
                    }
                    earliest = std::max(earliest, other + delays[w]);
                    if (entry + 1 < begin[w + 1]) next = std::min<int64_t>(next, at[entry + 1]);
                }
                if (!free) break;
                for (int64_t w = first[p]; w < first[p + 1]; ++w)
                    if (cursor[w] < begin[w + 1] && at[cursor[w]] == step) ++cursor[w];
                for (now = earliest; step < next; ++step) row[step] = now++;
                --now;                      // the time of the last step known
            }
            if (step > known[p]) {
                known[p] = step;
                progress = true;
            }
        }
    }
}
