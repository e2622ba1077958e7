using Coach.AspNetCore;

namespace Chat;

/// <summary>One machine keeps everything in its process; connection strings move it to where replicas share it.</summary>
internal static class SharedStores
{
    /// <summary>
    /// <c>ConnectionStrings:Redis</c>: what replicas share and may forget, decisions on budgets among it.
    /// <c>ConnectionStrings:Coach</c>: what must last, in PostgreSQL, such as the usage ledger and what was used of budgets. Either needs the secret <c>COACH_DATA_PROTECTION_KEY</c>, and nothing else.
    /// </summary>
    public static CoachBuilder WithSharedStores(this CoachBuilder coach, IConfiguration configuration)
    {
        bool hasRedis = !string.IsNullOrWhiteSpace(configuration.GetConnectionString("Redis"));
        bool hasPostgres = !string.IsNullOrWhiteSpace(configuration.GetConnectionString("Coach"));
        if (hasRedis)
        {
            coach.Services.AddCoachRedis();
        }

        if (hasPostgres)
        {
            coach.Services.AddCoachPostgres();
        }

        if (hasRedis || hasPostgres)
        {
            coach.Llm.UseDistributedSessionKeys();
        }

        return coach;
    }
}
