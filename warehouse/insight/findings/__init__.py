"""What needs somebody's attention: the only place that judges. Wall, overview, group pages, report and alerts choose how many they show,
never which come first.

thresholds  from which size on something is spoken of
ranking     which places are behind in a number
numbers     off target, close to it, worse, better, not known
data        sources that are late, numbers that were revised
order       one order for all of them"""
