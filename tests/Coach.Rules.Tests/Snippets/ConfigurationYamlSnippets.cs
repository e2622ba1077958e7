using Coach.Abstractions;
using Coach.Configuration.Yaml;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Coach.Rules.Tests.Snippets;

internal static class ConfigurationYamlSnippets
{
    public static void Add(IHostApplicationBuilder builder)
    {
        #region add
        builder.Configuration.AddCoachYaml("config/llm.yaml", reloadOnChange: true, configure: yaml => yaml.Section = "Memo:Llm");
        #endregion
    }

    public static void Health(IConfigurationRoot configuration, IServiceCollection services)
    {
        #region health
        foreach (CoachYamlConfigurationProvider file in configuration.Providers.OfType<CoachYamlConfigurationProvider>())
        {
            services.AddSingleton<IComponentHealth>(file);
        }
        #endregion
    }
}
