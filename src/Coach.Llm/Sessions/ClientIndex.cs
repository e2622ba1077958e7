using System.Runtime.InteropServices;

namespace Coach.Llm.Sessions;

/// <summary>
/// The way from a session's id to its clients in one step, for callers that hold no lock. A hash table with linear
/// probing whose writers take turns. A reader may miss a client that is being moved, or find one that was just closed:
/// it then goes the long way, through the session, which is always right. So this is only ever a short cut.
/// </summary>
internal sealed class ClientIndex
{
    private const int LongestProbe = 128;
    private const ulong Odd = 0x9E3779B97F4A7C15;

    private readonly Lock _gate = new();
    // .NET draws these anew in each process
    private readonly ulong _seed = ((ulong)(uint)HashCode.Combine(1) << 32) | (uint)HashCode.Combine(2);
    private Slot[] _slots = new Slot[64];
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public ClientEntry? Find(string session, Type type, ApiKey key)
    {
        Slot[] slots = Volatile.Read(ref _slots);
        int hash = Hash(session);
        int mask = slots.Length - 1;
        for (int i = hash, end = unchecked(hash + LongestProbe); i != end; i++)
        {
            ref Slot slot = ref slots[i & mask];
            ClientEntry? entry = Volatile.Read(ref slot.Entry);
            if (entry is null)
            {
                return null;
            }

            if (slot.Hash == hash && string.Equals(entry.SessionId, session) && entry.Is(type, key))
            {
                return entry;
            }
        }

        return null;
    }

    public void Add(ClientEntry entry)
    {
        lock (_gate)
        {
            if (++_count * 2 > _slots.Length)
            {
                Grow();
            }

            Put(_slots, Hash(entry.SessionId), entry);
        }
    }

    public void Remove(ClientEntry entry)
    {
        lock (_gate)
        {
            int mask = _slots.Length - 1;
            int hole = Hash(entry.SessionId) & mask;
            while (_slots[hole].Entry is { } other && !ReferenceEquals(other, entry))
            {
                hole = (hole + 1) & mask;
            }

            if (_slots[hole].Entry is null)
            {
                return;
            }

            _count--;
            Close(hole, mask);
        }
    }

    // What follows the hole moves up, unless that would put it before the place its hash asks for.
    private void Close(int hole, int mask)
    {
        for (int i = (hole + 1) & mask; _slots[i].Entry is { } entry; i = (i + 1) & mask)
        {
            int distance = (i - (_slots[i].Hash & mask)) & mask;
            if (distance >= ((i - hole) & mask))
            {
                Set(ref _slots[hole], _slots[i].Hash, entry);
                hole = i;
            }
        }

        Set(ref _slots[hole], 0, null);
    }

    private void Grow()
    {
        var slots = new Slot[_slots.Length * 2];
        foreach (Slot slot in _slots)
        {
            if (slot.Entry is { } entry)
            {
                Put(slots, slot.Hash, entry);
            }
        }

        Volatile.Write(ref _slots, slots);
    }

    private static void Put(Slot[] slots, int hash, ClientEntry entry)
    {
        int mask = slots.Length - 1;
        int i = hash & mask;
        while (slots[i].Entry is not null)
        {
            i = (i + 1) & mask;
        }

        Set(ref slots[i], hash, entry);
    }

    private static void Set(ref Slot slot, int hash, ClientEntry? entry)
    {
        slot.Hash = hash;
        Volatile.Write(ref slot.Entry, entry);
    }

    // Two words a multiplication (after wyhash, Wang Yi, public domain), seeded, so that chosen ids do not collide on
    // purpose.
    private int Hash(string text)
    {
        ulong hash = _seed ^ (uint)text.Length;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<char, ulong>(text);
        int i = 0;
        for (; i + 1 < words.Length; i += 2)
        {
            hash = Mix(words[i] ^ Odd, words[i + 1] ^ hash);
        }

        ulong tail = i < words.Length ? words[i] : 0;
        ulong rest = 0;
        for (int c = words.Length * 4; c < text.Length; c++)
        {
            rest = (rest << 16) | text[c];
        }

        hash = Mix(tail ^ Odd, rest ^ hash);
        return (int)(hash ^ (hash >> 32));
    }

    private static ulong Mix(ulong left, ulong right)
    {
        ulong high = Math.BigMul(left, right, out ulong low);
        return high ^ low;
    }

    private struct Slot
    {
        public int Hash;
        public ClientEntry? Entry;
    }
}
