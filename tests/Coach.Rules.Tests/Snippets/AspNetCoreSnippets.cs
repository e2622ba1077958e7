using Coach.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Coach.Rules.Tests.Snippets;

internal static class AspNetCoreSnippets
{
    public static async Task<int> Host(string[] args)
    {
        #region host
        var builder = WebApplication.CreateBuilder(args);
        builder.AddCoach();

        var app = builder.Build();
        app.UseCoach();
        app.UseDefaultFiles();
        app.UseStaticFiles();
        app.MapCoach();
        return await app.RunCoachAsync();
        #endregion
    }

    public static void Endpoints(WebApplication app)
    {
        #region endpoints
        app.MapCoachSession("/api/session");
        app.MapCoachChat("/api/chat");
        app.MapCoachMetrics();
        app.MapCoachHealth();
        app.MapGet("/api/whoami", (HttpContext context) => context.GetCoachSession().Id.Value).WithCoachSession();
        #endregion
    }

    public static void DistributedKeys(WebApplicationBuilder builder, CoachBuilder coach)
    {
        #region distributed-keys
        builder.Services.AddDataProtection().PersistKeysToFileSystem(new DirectoryInfo("/var/lib/app/keys"));
        coach.Llm.UseDistributedSessionKeys();
        #endregion
    }
}
