namespace CoExpr

open System

/// What brings a significant gene to the top of a list.
[<RequireQualifiedAccess>]
type DeOrder =
    /// The largest |log2 fold change|.
    | Magnitude
    /// The largest log2 fold change.
    | FoldChange
    /// The smallest p-value.
    | PValue
    /// The smallest FDR.
    | Fdr

type DeAgreementOptions = {
    /// Genes with an FDR below this are significant.
    Threshold: float
    Order: DeOrder
    Precision: DePrecision
}

/// What is learnt of one perturbation from both its tables.
type DeComparison = {
    RealSignificant: int
    PredictedSignificant: int
    /// Genes among the first k of both lists of significant genes, k from 0 to the longer list.
    InBoth: int[]
    /// Significant genes of the real table that the predicted one calls significant, too.
    Recalled: int
    /// Share of equal signs over the significant genes of the real table that the predicted one has; None without any.
    Direction: float option
    /// Spearman's correlation of fold changes over the same genes, 0 for those that the prediction lacks; None without any.
    FoldChanges: float option
    /// Average precision.
    PrecisionRecall: float
    /// Mann-Whitney area.
    Receiver: float
}

/// How well the genes that a prediction changes agree with those that the real perturbation changes, from two tables of
/// differential expression (cell-eval 0.8.1's measures).
///
/// All overlaps and precisions of a perturbation come from one ordering of its two lists: a gene at places r and p of the
/// lists is among the first k of both from k = max(r, p) + 1 on, and a running count of these answers every k.
[<RequireQualifiedAccess>]
module DeAgreement =

    let defaults = {
        Threshold = 0.05
        Order = DeOrder.Magnitude
        Precision = DePrecision.Double
    }

    /// What makes a gene a positive of the areas, whatever the threshold of the lists (cell-eval 0.8.1).
    [<Literal>]
    let private AreaThreshold = 0.05

    /// Smaller FDRs score alike (cell-eval 0.8.1).
    [<Literal>]
    let private SmallestFdr = 1e-10

    /// Room of one thread: by gene of the predicted table, and for the rows of a perturbation of the real one.
    type private Room(features: int, rows: int) =
        /// The row of the predicted table that a gene has, −1 if none.
        member val RowOf = Array.create features -1
        /// The place that a gene has in the real list, −1 if none.
        member val PlaceOf = Array.create features -1
        /// How doubtful the prediction is of genes that truly change, and of the others.
        member val Positives = Array.zeroCreate<float> rows
        member val Negatives = Array.zeroCreate<float> rows

    /// Two tables side by side: `Predicted[t]` is the predicted perturbation of real perturbation t, −1 if there is none, and
    /// `Gene[f]` the predicted table's number of the real table's gene f, −1 if it lacks it.
    type private Pair = {
        Options: DeAgreementOptions
        Real: DeTable
        Predicted: DeTable
        TargetOf: int[]
        GeneOf: int[]
        Threshold: float
    }

    let private rounded precision (value: float) =
        match precision with
        | DePrecision.Double -> value
        | DePrecision.Single -> float (float32 value)

    let private isSignificant threshold table row =
        DeTable.hasFdr table row && table.Fdr[row] < threshold

    let private significant threshold table target =
        if target < 0 then
            [||]
        else
            [|
                for row in table.Starts[target] .. table.Starts[target + 1] - 1 do
                    if isSignificant threshold table row then
                        row
            |]

    /// A number by which the first of a list is the smallest. NaN is the largest of numbers (as polars has it): the first of
    /// magnitudes and fold changes, the last of p-values.
    let private key order table row =
        let last value =
            if Double.IsNaN value then infinity else value

        match order with
        | DeOrder.Magnitude -> -(abs table.Log2FoldChange[row])
        | DeOrder.FoldChange -> -table.Log2FoldChange[row]
        | DeOrder.PValue -> last table.PValue[row]
        | DeOrder.Fdr -> last table.Fdr[row]

    /// Sorts rows by key, NaN first, equal ones in the order of the table.
    let internal sortStably (keys: float[]) (rows: int[]) =
        Array.Sort(keys, rows)
        let mutable first = 0

        for next in 1 .. rows.Length do
            if next = rows.Length || not (keys[next].Equals keys[first]) then
                Array.Sort(rows, first, next - first)
                first <- next

    /// The significant rows that have a place, first the one at the top.
    let private ordered order table (significant: int[]) =
        let rows = significant |> Array.filter (DeTable.hasFoldChange table)
        let keys = rows |> Array.map (key order table)
        sortStably keys rows
        rows

    /// Genes among the first k of both lists, for every k.
    let private inBoth pair (room: Room) (real: int[]) (predicted: int[]) =
        let counts = Array.zeroCreate<int>(1 + max real.Length predicted.Length)

        let genes =
            real |> Array.map (fun row -> pair.GeneOf[DeTable.feature pair.Real row])

        genes
        |> Array.iteri (fun place gene ->
            if gene >= 0 then
                room.PlaceOf[gene] <- place)

        predicted
        |> Array.iteri (fun place row ->
            match room.PlaceOf[DeTable.feature pair.Predicted row] with
            | -1 -> ()
            | other ->
                let both = 1 + max place other
                counts[both] <- counts[both] + 1)

        for gene in genes do
            if gene >= 0 then
                room.PlaceOf[gene] <- -1

        for k in 1 .. counts.Length - 1 do
            counts[k] <- counts[k] + counts[k - 1]

        counts

    /// −1, 0 or 1; NaN for NaN, which equals itself here.
    let private sign (value: float) =
        if Double.IsNaN value then nan else float (Math.Sign value)

    /// Of each significant real row the row of the predicted table, −1 where it has none.
    let private partners pair (room: Room) (real: int[]) =
        real
        |> Array.map (fun row ->
            match pair.GeneOf[DeTable.feature pair.Real row] with
            | -1 -> -1
            | gene -> room.RowOf[gene])

    let private direction pair (real: int[]) (partners: int[]) =
        let agreeing = [|
            for row, partner in Array.zip real partners do
                if
                    partner >= 0
                    && DeTable.hasFoldChange pair.Real row
                    && DeTable.hasFoldChange pair.Predicted partner
                then
                    (sign pair.Real.Log2FoldChange[row]).Equals(sign pair.Predicted.Log2FoldChange[partner])
        |]

        if agreeing.Length = 0 then
            None
        else
            Some(float (agreeing |> Array.filter id |> Array.length) / float agreeing.Length)

    let private foldChanges pair (real: int[]) (partners: int[]) =
        if real.Length = 0 then
            None
        else
            let ofReal =
                real
                |> Array.map (fun row ->
                    if DeTable.hasFoldChange pair.Real row then
                        pair.Real.Log2FoldChange[row]
                    else
                        nan)

            let ofPredicted =
                partners
                |> Array.map (fun row ->
                    if row >= 0 && DeTable.hasFoldChange pair.Predicted row then
                        pair.Predicted.Log2FoldChange[row]
                    else
                        0.0)

            Some(ProfileErrors.spearman ofReal ofPredicted)

    /// A number that is lower the surer a gene is called: FDR within 1e-10 and 1. In single precision its logarithm decides,
    /// whose rounding lets more genes tie.
    let private doubt precision (fdr: float) =
        let clipped = Math.Clamp(fdr, rounded precision SmallestFdr, 1.0)

        match precision with
        | DePrecision.Double -> clipped
        | DePrecision.Single -> float (MathF.Log10(float32 clipped))

    /// Puts the doubts of the positives and of the negatives of a perturbation in their places, and gives their numbers; genes
    /// that the prediction lacks count as FDR 1.
    let private doubts pair (room: Room) target =
        let precision = pair.Options.Precision
        let threshold = rounded precision AreaThreshold
        let certain = doubt precision 1.0
        let mutable positives, negatives = 0, 0

        for row in pair.Real.Starts[target] .. pair.Real.Starts[target + 1] - 1 do
            if DeTable.hasFdr pair.Real row then
                let gene = pair.GeneOf[DeTable.feature pair.Real row]
                let partner = if gene < 0 then -1 else room.RowOf[gene]

                let value =
                    if partner < 0 || not (DeTable.hasFdr pair.Predicted partner) then
                        certain
                    else
                        doubt precision pair.Predicted.Fdr[partner]

                if pair.Real.Fdr[row] < threshold then
                    room.Positives[positives] <- value
                    positives <- positives + 1
                else
                    room.Negatives[negatives] <- value
                    negatives <- negatives + 1

        struct (positives, negatives)

    /// Values of a sorted list below this one. Half the list is left out at a time by adding, not by branching: where values
    /// lie is not to be guessed.
    let private below (sorted: float[]) count (value: float) =
        let mutable first, left = 0, count

        while left > 1 do
            let half = left / 2
            first <- first + (if sorted[first + half - 1] < value then half else 0)
            left <- left - half

        if count > 0 && sorted[first] < value then
            first + 1
        else
            first

    /// The step from one distinct positive to the next: precision there times the positives there, summed.
    let private precisionSum (positives: float[]) count (from: int[]) =
        let mutable sum, first, earlier = 0.0, 0, 0

        while first < count do
            let mutable next = first

            while next < count && positives[next] = positives[first] do
                earlier <- earlier + from[next]
                next <- next + 1

            sum <- sum + float (next - first) * float next / float (next + earlier)
            first <- next

        sum

    /// Of each place of a sorted list, where the values that equal it end.
    let private runEnds (sorted: float[]) count =
        let ends = Array.zeroCreate<int> count

        for at in count - 1 .. -1 .. 0 do
            ends[at] <-
                if at + 1 < count && sorted[at + 1] = sorted[at] then
                    ends[at + 1]
                else
                    at + 1

        ends

    let private holdsNaN (values: float[]) count =
        let mutable found = false

        for at in 0 .. count - 1 do
            if Double.IsNaN values[at] then
                found <- true

        found

    /// Area under precision over recall, Σ precision at each distinct positive times the positives there / P, and area under
    /// the receiver's curve, (pairs told right + half of those that tie) / pairs. One sort of the positives and a look-up of
    /// each negative among them serve both. NaN for one class only, and where a prediction's FDR is NaN.
    let private areas (room: Room) (struct (positives, negatives)) =
        let sorted = room.Positives

        if
            positives = 0
            || negatives = 0
            || holdsNaN sorted positives
            || holdsNaN room.Negatives negatives
        then
            struct (nan, nan)
        else
            Array.Sort(sorted, 0, positives)
            // Negatives that come as early as positive i, or earlier, counted from i on; and pairs told right, twice.
            let from = Array.zeroCreate<int>(positives + 1)
            let ends = runEnds sorted positives
            let mutable right = 0L

            for at in 0 .. negatives - 1 do
                let negative = room.Negatives[at]
                let surer = below sorted positives negative

                let upTo =
                    if surer < positives && sorted[surer] = negative then
                        ends[surer]
                    else
                        surer

                from[surer] <- from[surer] + 1
                right <- right + int64 (surer + upTo)

            struct (precisionSum sorted positives from / float positives,
                    float right / 2.0 / (float positives * float negatives))

    let private compareTarget pair (room: Room) target =
        let predictedTarget = pair.TargetOf[target]
        let real = significant pair.Threshold pair.Real target
        let predicted = significant pair.Threshold pair.Predicted predictedTarget

        let predictedRows =
            if predictedTarget < 0 then
                [||]
            else
                [|
                    pair.Predicted.Starts[predictedTarget] .. pair.Predicted.Starts[predictedTarget + 1] - 1
                |]

        for row in predictedRows do
            room.RowOf[DeTable.feature pair.Predicted row] <- row

        let order = pair.Options.Order
        let partners = partners pair room real
        let struct (precisionRecall, receiver) = areas room (doubts pair room target)

        let comparison = {
            RealSignificant = real.Length
            PredictedSignificant = predicted.Length
            InBoth = inBoth pair room (ordered order pair.Real real) (ordered order pair.Predicted predicted)
            Recalled =
                partners
                |> Array.filter (fun row -> row >= 0 && isSignificant pair.Threshold pair.Predicted row)
                |> Array.length
            Direction = direction pair real partners
            FoldChanges = foldChanges pair real partners
            PrecisionRecall = precisionRecall
            Receiver = receiver
        }

        for row in predictedRows do
            room.RowOf[DeTable.feature pair.Predicted row] <- -1

        comparison

    /// What both tables say of each perturbation of the real table, in its order. Perturbations that the predicted table
    /// lacks have no significant genes there. Same results for any number of threads.
    let compare threads options (real: DeTable) (predicted: DeTable) : DeComparison[] =
        let pair = {
            Options = options
            Real = real
            Predicted = predicted
            TargetOf = DeTable.numbersIn predicted.Targets real.Targets
            GeneOf = DeTable.numbersIn predicted.Features real.Features
            Threshold = rounded options.Precision options.Threshold
        }

        let comparisons = Array.zeroCreate<DeComparison> real.Targets.Length

        let most =
            Array.pairwise real.Starts
            |> Array.fold (fun most (first, next) -> max most (next - first)) 0

        let room () = Room(predicted.Features.Length, most)

        Schedule.blocks threads comparisons.Length room (fun room target ->
            comparisons[target] <- compareTarget pair room target)

        comparisons

    /// |first k of both| / k with k no longer than a list of `length`; 0 for an empty list.
    let private shareAt length k (comparison: DeComparison) =
        let k = min k length

        if k = 0 then
            0.0
        else
            float comparison.InBoth[min k (comparison.InBoth.Length - 1)] / float k

    /// Of the first k genes of the real list, the share that is among the first k of the predicted one; k is cut to the real
    /// list. 0 where that is empty.
    let overlap k comparison =
        shareAt comparison.RealSignificant k comparison

    /// The same over the first k genes of the predicted list.
    let precision k comparison =
        shareAt comparison.PredictedSignificant k comparison

    /// Significant genes of the real list that the predicted one has; None where the real list is empty.
    let recall comparison =
        if comparison.RealSignificant = 0 then
            None
        else
            Some(float comparison.Recalled / float comparison.RealSignificant)

    /// Spearman's correlation, over perturbations with significant genes, of the numbers of them: 1 where there is no such
    /// perturbation, NaN where one side is constant.
    let countCorrelation (comparisons: DeComparison[]) =
        let kept =
            comparisons |> Array.filter (fun comparison -> comparison.RealSignificant > 0)

        if kept.Length = 0 then
            1.0
        else
            ProfileErrors.spearman
                (kept |> Array.map (fun comparison -> float comparison.RealSignificant))
                (kept |> Array.map (fun comparison -> float comparison.PredictedSignificant))
