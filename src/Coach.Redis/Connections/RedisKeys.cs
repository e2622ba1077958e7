using System.Security.Cryptography;
using System.Text;

namespace Coach.Redis.Connections;

/// <summary>
/// Names of keys. What people or the network could choose is in them as a hash only. What one script touches shares a
/// hash tag, so that it lies on one node of a cluster.
/// </summary>
internal sealed class RedisKeys(string prefix)
{
    public string Bucket(string partition) => $"{prefix}:limit:{{{Hash(partition)}}}";

    public string Places(string partition) => $"{prefix}:places:{{{Hash(partition)}}}";

    // What is asked about together lies on one node.
    public string Rest(string group, string name) => $"{prefix}:rest:{{{Hash(group)}}}:{Hash(name)}";

    // One decision is on the sessions of an address, of a key and of all.
    public string SessionsUsed => $"{prefix}:{{sessions}}:used";

    public string SessionsWho => $"{prefix}:{{sessions}}:who";

    public string SessionsOf(string part, string name) => $"{prefix}:{{sessions}}:{part}:{Hash(name)}";

    public string Ended(string session) => $"{prefix}:ended:{{{Hash(session)}}}";

    public string EndedChannel => $"{prefix}:ended";

    public string Conversation(string caller, string part, string id) => $"{prefix}:chat:{{{caller}}}:{part}:{id}";

    public string Conversations(string caller) => $"{prefix}:chat:{{{caller}}}:index";

    public string Vector(string key) => $"{prefix}:vector:{Hash(key)}";

    public string VectorClaim(string key) => $"{prefix}:vector-claim:{Hash(key)}";

    // One decision is on counters of several callers: all of them share a tag.
    public string BudgetCounter(string counter) => $"{prefix}:{{budget}}:count:{Hash(counter)}";

    public string BudgetLeases(string counter) => $"{prefix}:{{budget}}:leases:{Hash(counter)}";

    public string BudgetReservation(string id) => $"{prefix}:{{budget}}:call:{Hash(id)}";

    public string BudgetRebuild(string counter) => $"{prefix}:{{budget}}:rebuild:{Hash(counter)}";

    public string OpenBudgets => $"{prefix}:{{budget}}:open";

    public string Cache => $"{prefix}:cache:";

    public string Probe => $"{prefix}:probe";

    public string KeyRing => $"{prefix}:key-ring";

    public static string Hash(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
}
