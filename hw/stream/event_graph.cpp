// The recurrence of hw/stream/event_graph.py as far as it goes; `_advance` there is the same in Python.
#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

struct Run {                // entries that are evenly spaced, see `Waits` in hw/stream/event_graph.py
    int32_t at, index, count, at_step, index_step;
};

struct Wait {
    const Run *first, *last, *run;      // of a frame; the current one
    int32_t entry;                      // in the current run
    int64_t other, delay;

    bool past() const { return run == last; }
    int64_t at() const { return run->at + int64_t(entry) * run->at_step; }
    int64_t index() const { return run->index + int64_t(entry) * run->index_step; }
    void skip(int64_t entries) {
        entry += entries;
        if (entry == run->count) {
            ++run;
            entry = 0;
        }
    }
};

struct Due {                // a wait of the steps that come now
    const int32_t* time;    // of the step that the first one waits for
    int64_t step, delay;
    Wait* wait;
};

constexpr int64_t LATEST = (int64_t(1) << 31) - (1 << 20);

}  // namespace

extern "C" void timing_advance(
    int64_t processes,
    int64_t frames,
    const int64_t* steps,   // [processes], a frame
    const int64_t* first,   // [processes + 1], of each process among the waits
    const int64_t* other,   // [waits], the process waited for
    const int64_t* delay,   // [waits]
    const int64_t* begin,   // [waits + 1], of each wait among the runs
    const Run* runs,
    int32_t* time,          // of every step of the run; -1 where it is not known
    int64_t* known)         // [processes], steps whose time is known
{
    std::vector<int32_t*> row(processes);
    for (int64_t p = 0, start = 0; p < processes; start += steps[p++] * frames) row[p] = time + start;
    std::vector<Wait> waits(first[processes]);
    for (int64_t w = 0; w < first[processes]; ++w)
        waits[w] = {runs + begin[w], runs + begin[w + 1], runs + begin[w], 0, other[w], delay[w]};
    std::vector<Due> due(waits.size());

    // A process is followed as far as it goes; then the one that keeps it waiting wakes it when it has come far enough.
    std::vector<int64_t> ready(processes), needs(processes);
    std::vector<std::vector<int64_t>> sleeping(processes);      // by the process they wait for
    for (int64_t p = 0; p < processes; ++p) ready[p] = processes - 1 - p;
    while (!ready.empty()) {
        const int64_t p = ready.back();
        ready.pop_back();
        int64_t done = known[p];
        int64_t now = done ? row[p][done - 1] : -1;
        int64_t frame = steps[p] ? done / steps[p] : frames;
        while (frame < frames && now <= LATEST) {
            const int64_t step = done - frame * steps[p];
            int64_t length = steps[p] - step;           // steps that can be followed in one go
            int64_t dues = 0;
            for (int64_t w = first[p]; w < first[p + 1]; ++w) {
                Wait& wait = waits[w];
                if (wait.past()) continue;
                if (wait.at() > step) {
                    length = std::min(length, wait.at() - step);
                    continue;
                }
                const Run& run = *wait.run;
                const int64_t index = wait.index() + frame * steps[wait.other];
                const int64_t there = known[wait.other] - index;
                if (there <= 0) {
                    length = 0;
                    needs[p] = index + 1;
                    sleeping[wait.other].push_back(p);
                    break;
                }
                if (run.at_step == 1 && index >= 0) {   // the entries behind it are for the steps behind this one
                    length = std::min<int64_t>(length, run.count - wait.entry);
                    if (run.index_step > 0) length = std::min(length, (there - 1) / run.index_step + 1);
                } else {
                    length = 1;
                }
                due[dues++] = {index < 0 ? nullptr : row[wait.other] + index, run.index_step, wait.delay, &wait};
            }
            if (length <= 0) break;
            int32_t* const out = row[p] + done;
            for (int64_t s = 0; s < length; ++s) {
                ++now;
                for (int64_t d = 0; d < dues; ++d)
                    if (due[d].time) now = std::max(now, due[d].time[s * due[d].step] + due[d].delay);
                out[s] = int32_t(now);
            }
            for (int64_t d = 0; d < dues; ++d) due[d].wait->skip(length);
            done += length;
            if (done == (frame + 1) * steps[p]) {
                ++frame;
                for (int64_t w = first[p]; w < first[p + 1]; ++w) waits[w].run = waits[w].first, waits[w].entry = 0;
            }
        }
        known[p] = done;
        auto& asleep = sleeping[p];
        for (size_t s = 0; s < asleep.size();) {
            if (needs[asleep[s]] > done) {
                ++s;
                continue;
            }
            ready.push_back(asleep[s]);
            asleep[s] = asleep.back();
            asleep.pop_back();
        }
    }
}
