using System;
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
        var console = AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(Console.Error) });
        return console
            .Progress()
            .HideCompleted(false)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new RateColumn(),
                new RemainingTimeColumn()
            )
            .StartAsync(context => job(new Bars(context)));
    }

    sealed class Bars(ProgressContext context) : IProgress<JobProgress>
    {
        readonly Dictionary<string, ProgressTask> bars = [];

        public void Report(JobProgress step)
        {
            lock (bars)
            {
                if (!bars.TryGetValue(step.Stage, out var bar))
                    bars[step.Stage] = bar = context.AddTask(Markup.Escape(step.Stage), maxValue: Math.Max(1, step.Total));
                bar.State.Update<string>(RateColumn.UnitKey, _ => step.Unit);
                bar.Value = step.Done;
            }
        }
    }

    sealed class RateColumn : ProgressColumn
    {
        internal const string UnitKey = "unit";

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
        {
            var rate = task.Speed ?? (task.ElapsedTime is { TotalSeconds: > 0 } time ? task.Value / time.TotalSeconds : 0);
            return new Text($"{Short(rate)} {task.State.Get<string>(UnitKey)}/s");
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
