using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.Threading.Tasks;
using CoExpr.CSharp;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace CoExpr.Cli;

/// <summary>A bar per stage with rate and time left, on the error stream.</summary>
public static class ProgressDisplay
{
    /// <summary>Runs a job, with bars if they are wanted.</summary>
    public static Task RunAsync(bool shown, Func<IProgress<JobProgress>?, Task> job)
    {
        if (!shown)
            return job(null);
        var units = new ConcurrentDictionary<int, string>();
        var console = AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(Console.Error) });
        return console
            .Progress()
            .HideCompleted(false)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new RateColumn(units),
                new RemainingTimeColumn()
            )
            .StartAsync(context => job(new Bars(context, units)));
    }

    sealed class Bars(ProgressContext context, ConcurrentDictionary<int, string> units) : IProgress<JobProgress>
    {
        readonly Dictionary<string, ProgressTask> bars = [];

        public void Report(JobProgress step)
        {
            lock (bars)
            {
                if (!bars.TryGetValue(step.Stage, out var bar))
                {
                    bar = context.AddTask(Spectre.Console.Markup.Escape(step.Stage), maxValue: Math.Max(1, step.Total));
                    (bars[step.Stage], units[bar.Id]) = (bar, step.Unit);
                }
                bar.Value = step.Done;
            }
        }
    }

    sealed class RateColumn(ConcurrentDictionary<int, string> units) : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
        {
            var rate =
                task.Speed ?? (task.ElapsedTime is { TotalSeconds: > 0 } time ? task.Value / time.TotalSeconds : 0);
            return new Text($"{Short(rate)} {units.GetValueOrDefault(task.Id)}/s");
        }

        static string Short(double rate) =>
            rate switch
            {
                >= 1e9 => (rate / 1e9).ToString("0.0 G", CultureInfo.InvariantCulture),
                >= 1e6 => (rate / 1e6).ToString("0.0 M", CultureInfo.InvariantCulture),
                >= 1e3 => (rate / 1e3).ToString("0.0 k", CultureInfo.InvariantCulture),
                _ => rate.ToString("0", CultureInfo.InvariantCulture),
            };
    }
}
